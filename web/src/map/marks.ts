// Everything on the map that is no line is drawn here on a canvas: marks, rings, labels. So no glyph or sprite
// server is asked, and a name from the feed can never be anything but pixels.
import type { SlaState } from '../model/sla'

export const PALETTE: Record<SlaState, string> = {
  breached: '#900a15', at_risk: '#da921f', on_track: '#076384', unknown: '#bfc9d4', none: '#ffffff',
}
export type Trust = 'solid' | 'ringed' | 'area'

export interface Ink {
  hairline: string
  outline: string
  text: string
  halo: string
  surface: string
  haze: string
  closed: string
}

export function inkOf(dark: boolean): Ink {
  return dark
    ? { hairline: '#e6ecef', outline: '#0f1518', text: '#9dacb5', halo: '#0f1518', surface: '#1d262b', haze: '#8fb8c9', closed: '#5d6d76' }
    : { hairline: '#182026', outline: '#ffffff', text: '#55626b', halo: '#f5f4f0', surface: '#ffffff', haze: '#076384', closed: '#8b979f' }
}

export const RATIO = 2

export function canvas(width: number, height: number): CanvasRenderingContext2D {
  const element = document.createElement('canvas')
  element.width = Math.ceil(width * RATIO)
  element.height = Math.ceil(height * RATIO)
  const context = element.getContext('2d', { willReadFrequently: true })
  if (context === null) throw new Error('This browser has no canvas')
  context.scale(RATIO, RATIO)
  return context
}

// As MapLibre takes an image.
export function pixels(drawn: HTMLCanvasElement): ImageData {
  const context = drawn.getContext('2d')
  if (context === null) throw new Error('This browser has no canvas')
  return context.getImageData(0, 0, drawn.width, drawn.height)
}

function outlineOf(state: SlaState, c: number, r: number): Path2D {
  const path = new Path2D()
  if (state === 'breached') {
    path.moveTo(c, c - r * 1.15)
    path.lineTo(c + r * 1.15, c)
    path.lineTo(c, c + r * 1.15)
    path.lineTo(c - r * 1.15, c)
    path.closePath()
  } else if (state === 'at_risk') {
    path.moveTo(c, c - r * 1.1)
    path.lineTo(c + r * 1.15, c + r * 0.9)
    path.lineTo(c - r * 1.15, c + r * 0.9)
    path.closePath()
  } else if (state === 'none') {
    path.rect(c - r * 0.8, c - r * 0.8, r * 1.6, r * 1.6)
  } else {
    path.arc(c, c, r * 0.95, 0, Math.PI * 2)
  }
  return path
}

// One ticket. Solid: the feed gave the point. Ringed: a geocoded place. Dashed ring: only its cluster is known.
export function drawMark(state: SlaState, trust: Trust, ink: Ink): HTMLCanvasElement {
  const size = 30
  const c = size / 2
  const context = canvas(size, size)
  if (trust !== 'solid') {
    context.beginPath()
    context.arc(c, c, 12.5, 0, Math.PI * 2)
    context.strokeStyle = ink.outline
    context.lineWidth = 3.4
    context.stroke()
    context.strokeStyle = ink.hairline
    context.lineWidth = 1.3
    if (trust === 'area') context.setLineDash([3, 2.6])
    context.stroke()
    context.setLineDash([])
  }
  const path = outlineOf(state, c, 7)
  context.lineJoin = 'round'
  context.strokeStyle = ink.outline
  context.lineWidth = 4.5
  context.stroke(path)
  context.strokeStyle = ink.hairline
  context.lineWidth = 2
  context.stroke(path)
  context.fillStyle = state === 'none' ? ink.surface : PALETTE[state]
  context.fill(path)
  if (state === 'unknown') {
    context.beginPath()
    context.arc(c, c, 2.8, 0, Math.PI * 2)
    context.fillStyle = ink.surface
    context.fill()
  }
  return context.canvas
}

export interface Group {
  breached: number
  atRisk: number
  onTrack: number
  rest: number
  area: boolean
}

export function groupName(group: Group): string {
  return ['donut', group.breached, group.atRisk, group.onTrack, group.rest, group.area ? 1 : 0].join('|')
}

export function groupOf(name: string): Group {
  const [, breached = 0, atRisk = 0, onTrack = 0, rest = 0, area = 0] = name.split('|').map(Number)
  return { breached, atRisk, onTrack, rest, area: area === 1 }
}

// A donut: its ring is the SLA of the tickets in it, worst first from the top; inside breached/total.
export function drawGroup(group: Group, ink: Ink): HTMLCanvasElement {
  const total = group.breached + group.atRisk + group.onTrack + group.rest
  const radius = Math.min(34, 15 + 4.2 * Math.log2(Math.max(total, 2)) * 0.8)
  const size = radius * 2 + 8
  const c = size / 2
  const context = canvas(size, size)
  const parts: [number, string][] = [
    [group.breached, PALETTE.breached], [group.atRisk, PALETTE.at_risk],
    [group.onTrack, PALETTE.on_track], [group.rest, PALETTE.unknown],
  ]
  context.beginPath()
  context.arc(c, c, radius + 1.5, 0, Math.PI * 2)
  context.fillStyle = ink.surface
  context.fill()
  context.strokeStyle = ink.hairline
  context.globalAlpha = 0.55
  context.lineWidth = 1
  if (group.area) context.setLineDash([3, 2.6])
  context.beginPath()
  context.arc(c, c, radius + 2, 0, Math.PI * 2)
  context.stroke()
  context.setLineDash([])
  context.globalAlpha = 1
  const width = Math.max(5, radius * 0.28)
  let angle = -Math.PI / 2
  for (const [n, colour] of parts) {
    if (n === 0) continue
    const end = angle + (n / total) * Math.PI * 2
    context.beginPath()
    context.arc(c, c, radius - width / 2, angle, end)
    context.strokeStyle = colour
    context.lineWidth = width
    context.stroke()
    if (n < total) {
      context.beginPath()
      context.moveTo(c + Math.cos(end) * (radius - width - 0.5), c + Math.sin(end) * (radius - width - 0.5))
      context.lineTo(c + Math.cos(end) * (radius + 0.5), c + Math.sin(end) * (radius + 0.5))
      context.strokeStyle = ink.surface
      context.lineWidth = 1.2
      context.stroke()
    }
    angle = end
  }
  const label = group.breached > 0 ? `${short(group.breached)}/${short(total)}` : short(total)
  context.font = `600 ${label.length > 6 ? 10 : label.length > 4 ? 11 : 12}px system-ui, "Noto Sans", "Liberation Sans", sans-serif`
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  context.fillStyle = ink.hairline
  context.fillText(label, c, c + 0.5)
  return context.canvas
}

function short(n: number): string {
  return n < 1000 ? String(n) : n < 10_000 ? `${(n / 1000).toFixed(1)}k` : `${Math.round(n / 1000)}k`
}

export function drawLabel(text: string, weight: 'place' | 'cluster' | 'country', ink: Ink): HTMLCanvasElement {
  const font = {
    place: '400 11px', cluster: '600 11.5px', country: '600 13px',
  }[weight]
  const family = ' system-ui, "Noto Sans", "Liberation Sans", sans-serif'
  const measure = canvas(1, 1)
  measure.font = font + family
  const width = Math.min(measure.measureText(text).width, 220) + 8
  const context = canvas(width, 18)
  context.font = font + family
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  context.lineJoin = 'round'
  context.strokeStyle = ink.halo
  context.lineWidth = 3
  context.strokeText(text, width / 2, 9, 216)
  context.fillStyle = ink.text
  context.fillText(text, width / 2, 9, 216)
  return context.canvas
}
