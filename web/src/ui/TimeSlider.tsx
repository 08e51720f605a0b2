// The slider of the past: each stop is an instant of which the tickets are asked as they were.
import { useEffect, useRef, useState } from 'react'
import { useWords } from '../i18n'
import { DAY, dayStart, HOUR } from '../model/time'
import { isTyping } from './App'
import { useShared } from './state'

const BACK_DAYS = 40
const STEP_MS = HOUR
const PLAY_MS = 1500

export function TimeSlider({ busy }: { busy: boolean }) {
  const { view, go, live } = useShared()
  const { t, time } = useWords()
  const [present] = useState(() => Date.now())
  const last = Math.floor((present + live.skewMs) / HOUR) * HOUR
  const first = dayStart(last - BACK_DAYS * DAY)
  const [dragged, setDragged] = useState<number | null>(null)
  const [playing, setPlaying] = useState(false)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const shown = dragged ?? view.at

  const show = (at: number): void => {
    setDragged(at)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => {
      setDragged(null)
      go({ at: at >= last ? null : at }, true)
    }, 180)
  }
  const step = (days: number): void => {
    go((v) => {
      const at = dayStart(v.at ?? last + 1) + (v.at === null && days < 0 ? 0 : days) * DAY
      return { at: at >= last ? null : Math.max(first, at) }
    }, true)
  }

  useEffect(() => {
    if (!playing) return
    const next = setInterval(() => {
      go((v) => {
        const at = v.at === null ? first + DAY * (BACK_DAYS - 14) : v.at + DAY
        if (at >= last) setPlaying(false)
        return { at: at >= last ? null : at }
      }, true)
    }, PLAY_MS)
    return () => { clearInterval(next) }
  }, [playing, go, first, last])

  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== ' ' || isTyping(event.target) || event.target instanceof HTMLButtonElement || event.target instanceof HTMLAnchorElement) return
      event.preventDefault()
      setPlaying((on) => !on)
    }
    addEventListener('keydown', onKey)
    return () => { removeEventListener('keydown', onKey) }
  }, [])

  return (
    <div className="slider" role="group" aria-label={t('time.label')} aria-busy={busy}>
      <button className="button plain" aria-label={t('time.back')} onClick={() => { step(-1) }}>‹</button>
      <button className="button plain" aria-label={t(playing ? 'time.pause' : 'time.play')} aria-pressed={playing} onClick={() => { setPlaying(!playing) }}><svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true"><path d={playing ? 'M2 1h3v10H2zM7 1h3v10H7z' : 'M2 1l9 5-9 5z'} fill="currentColor" /></svg></button>
      <button className="button plain" aria-label={t('time.on')} onClick={() => { step(1) }} disabled={view.at === null}>›</button>
      <input
        type="range"
        aria-label={t('time.label')}
        min={first}
        max={last}
        step={STEP_MS}
        value={shown ?? last}
        aria-valuetext={shown === null ? t('time.live') : time(shown)}
        onChange={(event) => { show(Number(event.target.value)) }}
      />
      <output>{shown === null ? t('time.live') : time(shown)}</output>
      {view.at !== null && (
        <>
          <div className="segments" role="group" title={t('time.why')}>
            {(['known', 'happened'] as const).map((mode) => (
              <button key={mode} aria-pressed={view.mode === mode} onClick={() => { go({ mode }, true) }}>{t(`time.${mode}`)}</button>
            ))}
          </div>
          <button className="button" onClick={() => { setPlaying(false); go({ at: null }, true) }}>{t('time.live')}</button>
        </>
      )}
      {busy && <span className="hidden" role="status">{t('time.loading')}</span>}
    </div>
  )
}
