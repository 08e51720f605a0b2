// When what the page holds now is on the screen.
export function painted(): Promise<void> {
  return new Promise((done) => {
    const frame = (): number => requestAnimationFrame(() => setTimeout(done))
    // A page in the background paints nothing, and waits for nothing.
    if (document.visibilityState === 'hidden') setTimeout(done)
    else requestAnimationFrame(frame)
  })
}
