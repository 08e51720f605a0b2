// The tickets on the map: one canvas above the ground, drawn in the frame in which the map moves. No worker, no tile
// and no image of a GPU stands between a ticket that came and its mark.
import type { Map as MapLibre } from 'maplibre-gl'
import type { Ticket } from '../model/ticket'
import { type Group, Groups, mercator, type Shown, TILE_PX } from './groups'
import { places } from './gazetteer'
import { type Label, labelsOf } from './ground'
import { drawGroup, drawLabel, drawMark, groupName, groupOf, type Ink, inkOf, RATIO, type Trust } from './marks'

export interface Scene {
  shown: readonly Shown[]
  chosen: Ticket | null
  closed: readonly Ticket[]
  dark: boolean
  // Whether the names of places are ours to draw.
  names: boolean
}

type At = (x: number, y: number) => [number, number]
type Inside = (x: number, y: number, margin: number) => boolean
interface Circle { x: number; y: number; radius: number; cluster: boolean }
interface Drawn { x: number; y: number; sprite: HTMLCanvasElement; group: Group }

export const TRUST: Record<Ticket['geoSource'], Trust> = { feed: 'solid', location: 'ringed', cluster: 'area', none: 'area' }
const EARTH_M = 40_075_016.68
// A circle of doubt is drawn once it is wider than the mark in it.
const CIRCLE_PX = { place: 20, cluster: 42 }
const MOST_SPRITES = 1500
const MOST_PIXELS = 2
const NAMES_FROM = 7
const NAME_SHIFTS_PX = [0, 24, -24, 34, -34, 44, -44]

type PlacedLabel = Label & { x: number; y: number }
let placed: PlacedLabel[] | null = null

export class Overlay {
  #map: MapLibre
  #canvas = document.createElement('canvas')
  #context: CanvasRenderingContext2D
  #scene: Scene = { shown: [], chosen: null, closed: [], dark: false, names: false }
  #groups = new Groups([])
  #circles: Circle[] | null = null
  #ink: Ink = inkOf(false)
  #sprites = new Map<string, HTMLCanvasElement>()
  #drawn: Drawn[] = []

  constructor(map: MapLibre) {
    this.#map = map
    // Drawn by the processor: hundreds of small images cost a graphics card, or what stands in for it, more.
    const context = this.#canvas.getContext('2d', { willReadFrequently: true })
    if (context === null) throw new Error('This browser has no canvas')
    this.#context = context
    this.#canvas.className = 'marks'
    this.#canvas.setAttribute('aria-hidden', 'true')
    map.getCanvas().after(this.#canvas)
    map.on('move', this.draw)
    map.on('resize', this.draw)
  }

  show(scene: Scene): void {
    const before = this.#scene
    this.#scene = scene
    if (scene.dark !== before.dark) {
      this.#ink = inkOf(scene.dark)
      this.#sprites.clear()
    }
    if (scene.shown !== before.shown) {
      this.#groups = new Groups(scene.shown)
      this.#circles = null
    }
    this.draw()
  }

  // What is drawn at a point of the screen; the topmost of several.
  hit(x: number, y: number): Group | undefined {
    return this.#drawn.findLast((one) => Math.hypot(one.x - x, one.y - y) <= radiusOf(one.sprite))?.group
  }

  draw = (): void => {
    const { clientWidth: width, clientHeight: height } = this.#map.getContainer()
    const pixels = Math.min(MOST_PIXELS, devicePixelRatio)
    if (this.#canvas.width !== Math.round(width * pixels) || this.#canvas.height !== Math.round(height * pixels)) {
      this.#canvas.width = Math.round(width * pixels)
      this.#canvas.height = Math.round(height * pixels)
    }
    this.#context.setTransform(pixels, 0, 0, pixels, 0, 0)
    this.#context.clearRect(0, 0, width, height)
    const zoom = this.#map.getZoom()
    const scale = TILE_PX * 2 ** zoom
    const centre = this.#map.getCenter()
    const [cx, cy] = mercator([centre.lng, centre.lat])
    const at: At = (x, y) => [(x - cx) * scale + width / 2, (y - cy) * scale + height / 2]
    const inside: Inside = (x, y, margin) => x > -margin && y > -margin && x < width + margin && y < height + margin
    this.#drawCircles(at, inside, scale)
    this.#drawClosed(at, inside)
    this.#drawn = []
    // The most urgent comes first and is drawn last, above the others.
    for (const group of this.#groups.at(zoom).toReversed()) {
      const [x, y] = at(group.x, group.y)
      if (inside(x, y, 100)) this.#drawn.push({ x, y, group, sprite: this.#spriteOf(group) })
    }
    if (this.#scene.names && zoom >= NAMES_FROM) this.#drawNames(at, inside, zoom)
    for (const { x, y, sprite } of this.#drawn) this.#put(sprite, x, y)
    this.#drawChosen(at, scale)
  }

  // The tickets in the ink of paper, and the ground under them: a dark one is grey enough to be turned over.
  print(dark: boolean): void {
    const [ink, sprites] = [this.#ink, this.#sprites]
    this.#ink = inkOf(false)
    this.#sprites = new Map()
    this.draw()
    this.#ink = ink
    this.#sprites = sprites
    const context = this.#context
    context.save()
    context.resetTransform()
    context.globalCompositeOperation = 'destination-over'
    if (dark) context.filter = 'invert(1)'
    context.drawImage(this.#map.getCanvas(), 0, 0, this.#canvas.width, this.#canvas.height)
    context.restore()
  }

  remove(): void {
    this.#map.off('move', this.draw)
    this.#map.off('resize', this.draw)
    this.#canvas.remove()
  }

  #put(sprite: HTMLCanvasElement, x: number, y: number): void {
    const [width, height] = [sprite.width / RATIO, sprite.height / RATIO]
    this.#context.drawImage(sprite, x - width / 2, y - height / 2, width, height)
  }

  // A name stands on its place, or under or over the mark that does; where neither is free it is left out.
  #drawNames(at: At, inside: Inside, zoom: number): void {
    const taken: [left: number, top: number, right: number, bottom: number][] = []
    for (const { name, big, x, y, minzoom, rank } of this.#labels()) {
      if (zoom < minzoom && rank > 0) continue
      const [px, py] = at(x, y)
      if (!inside(px, py, 100)) continue
      const sprite = this.#sprite(`label|${name}`, () => drawLabel(name, big ? 'cluster' : 'place', this.#ink))
      const [w, h] = [sprite.width / RATIO / 2, sprite.height / RATIO / 2]
      const shift = NAME_SHIFTS_PX.find((dy) => (
        taken.every(([l, t, r, b]) => px + w < l || px - w > r || py + dy + h < t || py + dy - h > b)
        && this.#drawn.every((one) => clear(one, px, py + dy, w - 4, h - 4))
      ))
      if (shift === undefined) continue
      taken.push([px - w - 4, py + shift - h - 2, px + w + 4, py + shift + h + 2])
      this.#put(sprite, px, py + shift)
    }
  }

  #labels(): readonly PlacedLabel[] {
    placed ??= labelsOf(places()).map((label) => {
      const [x, y] = mercator(label.point)
      return { ...label, x, y }
    })
    return placed
  }

  #spriteOf({ members, counts, area }: Group): HTMLCanvasElement {
    const [only] = members
    if (members.length === 1 && only !== undefined) return this.#mark(only)
    const name = groupName({ breached: counts.breached, atRisk: counts.at_risk, onTrack: counts.on_track, rest: counts.unknown + counts.none, area })
    return this.#sprite(name, () => drawGroup(groupOf(name), this.#ink))
  }

  #mark({ ticket, state }: Shown): HTMLCanvasElement {
    const trust = TRUST[ticket.geoSource]
    return this.#sprite(`mark|${state}|${trust}`, () => drawMark(state, trust, this.#ink))
  }

  #sprite(name: string, draw: () => HTMLCanvasElement): HTMLCanvasElement {
    let sprite = this.#sprites.get(name)
    if (sprite === undefined) {
      if (this.#sprites.size >= MOST_SPRITES) this.#sprites.clear()
      sprite = draw()
      this.#sprites.set(name, sprite)
    }
    return sprite
  }

  #drawCircles(at: At, inside: Inside, scale: number): void {
    this.#circles ??= circlesOf(this.#scene.shown)
    for (const { x, y, radius, cluster } of this.#circles) {
      const [px, py] = at(x, y)
      const size = radius * scale
      if (size >= (cluster ? CIRCLE_PX.cluster : CIRCLE_PX.place) && inside(px, py, size)) this.#circle(px, py, size, cluster, 0)
    }
  }

  #circle(x: number, y: number, radius: number, dashed: boolean, fill: number): void {
    const context = this.#context
    context.beginPath()
    context.arc(x, y, radius, 0, Math.PI * 2)
    context.fillStyle = context.strokeStyle = this.#ink.haze
    context.globalAlpha = fill
    context.fill()
    // Many overlap: only the chosen one's is filled.
    context.globalAlpha = fill > 0 ? 1 : 0.28
    context.lineWidth = fill > 0 ? 1.5 : 1
    context.setLineDash(dashed ? [4, 4] : [])
    context.stroke()
    context.setLineDash([])
    context.globalAlpha = 1
  }

  #drawClosed(at: At, inside: Inside): void {
    const context = this.#context
    context.beginPath()
    for (const { point } of this.#scene.closed) {
      if (point === null) continue
      const [x, y] = at(...mercator(point))
      if (!inside(x, y, 5)) continue
      context.moveTo(x + 3.5, y)
      context.arc(x, y, 3.5, 0, Math.PI * 2)
    }
    context.globalAlpha = 0.75
    context.fillStyle = this.#ink.closed
    context.fill()
    context.globalAlpha = 1
  }

  // The chosen ticket stands out of its group, with a ring and as much doubt as there is.
  #drawChosen(at: At, scale: number): void {
    const { chosen, shown } = this.#scene
    if (chosen?.point == null) return
    const [x, y] = at(...mercator(chosen.point))
    if (chosen.radiusM !== null) this.#circle(x, y, mercatorOf(chosen.radiusM, chosen.point[1]) * scale, chosen.geoSource === 'cluster', 0.12)
    const one = shown.find(({ ticket }) => ticket.key === chosen.key)
    const context = this.#context
    context.beginPath()
    context.arc(x, y, 17, 0, Math.PI * 2)
    context.fillStyle = this.#ink.surface
    context.fill()
    context.strokeStyle = this.#ink.haze
    context.lineWidth = 3
    context.stroke()
    if (one !== undefined) this.#put(this.#sprite(`mark|${one.state}|solid`, () => drawMark(one.state, 'solid', this.#ink)), x, y)
  }
}

function radiusOf(sprite: HTMLCanvasElement): number {
  return sprite.width / RATIO / 2
}

// Whether a name of this half width and height keeps off a mark.
function clear({ x, y, sprite }: Drawn, px: number, py: number, w: number, h: number): boolean {
  const [dx, dy] = [Math.max(0, Math.abs(x - px) - w), Math.max(0, Math.abs(y - py) - h)]
  return Math.hypot(dx, dy) >= radiusOf(sprite) - 3
}

function mercatorOf(metres: number, lat: number): number {
  return metres / (EARTH_M * Math.cos((lat * Math.PI) / 180))
}

// One circle a place of which tickets are known no better than that.
function circlesOf(shown: readonly Shown[]): Circle[] {
  const found = new Map<string, Circle>()
  for (const { ticket: { point, radiusM, geoSource } } of shown) {
    if (point === null || radiusM === null) continue
    const name = `${point[0]},${point[1]},${radiusM}`
    if (found.has(name)) continue
    const [x, y] = mercator(point)
    found.set(name, { x, y, radius: mercatorOf(radiusM, point[1]), cluster: geoSource === 'cluster' })
  }
  return [...found.values()]
}
