// The routes of a plan: one colour and one number a vehicle, the chosen one in front with its stops in order.
import 'maplibre-gl/dist/maplibre-gl.css'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import { type GeoJSONSource, type LayerSpecification, LngLatBounds, Map as MapLibre, type MapMouseEvent, setWorkerUrl } from 'maplibre-gl'
import type { Feature } from 'geojson'
import { useEffect, useRef, useState } from 'react'
import { colourOf, type Plan, standingOf, type Standing } from '../model/plan'
import { basemapOf } from './basemap'
import { addLabels, collection, drawImage, pointOf } from './ground'
import { putGround } from './MapView'
import { canvas, type Ink, inkOf, pixels, RATIO } from './marks'

setWorkerUrl(workerUrl)

export interface PlanMapProps {
  plan: Plan
  chosenVehicle: string | null
  chosenTicket: string | null
  dark: boolean
  // Undefined until it is known which ground is configured.
  basemap: string | null | undefined
  label: string
  words: { in: string; out: string; all: string }
  onVehicle: (id: string | null) => void
  onStop: (vehicle: string, ticket: string) => void
  onBasemap: (there: boolean) => void
  onFailed: (error: Error) => void
}

const SOURCES = ['routes', 'left', 'stops', 'starts'] as const

export default function PlanMap(props: PlanMapProps) {
  const box = useRef<HTMLDivElement>(null)
  const map = useRef<MapLibre | null>(null)
  const latest = useRef(props)
  latest.current = props
  const [ready, setReady] = useState(0)
  const { dark, basemap, plan, chosenVehicle, chosenTicket } = props

  useEffect(() => {
    if (box.current === null) return
    let made: MapLibre
    try {
      made = makeMap(box.current, latest)
    } catch (error) {
      latest.current.onFailed(error instanceof Error ? error : new Error(String(error)))
      return
    }
    map.current = made
    return () => {
      map.current = null
      made.remove()
    }
  }, [])

  useEffect(() => {
    const made = map.current
    if (made === null || basemap === undefined) return
    let live = true
    void basemapOf(basemap, dark).then((found) => {
      if (!live) return
      putGround(made, found, dark, () => {
        if (found?.named !== true) addLabels(made)
        for (const name of SOURCES) made.addSource(name, { type: 'geojson', data: collection([]) })
        for (const layer of layers(dark)) made.addLayer(layer)
        setReady((n) => n + 1)
      })
      latest.current.onBasemap(found !== null || basemap === null)
    })
    return () => { live = false }
  }, [dark, basemap])

  useEffect(() => {
    if (ready === 0 || map.current === null) return
    for (const name of SOURCES) void map.current.getSource<GeoJSONSource>(name)?.setData(collection(features(name, plan, chosenVehicle, chosenTicket)))
    box.current?.setAttribute('data-drawn', String(plan.summary.assigned))
  }, [ready, plan, chosenVehicle, chosenTicket])

  // Another plan or another vehicle comes into view whole; a change of the same plan moves nothing.
  const focus = `${plan.id ?? ''}|${chosenVehicle ?? ''}`
  useEffect(() => {
    if (ready > 0) fit(map.current, latest.current.plan, latest.current.chosenVehicle)
  }, [ready, focus])

  return (
    <>
      <div className="map" ref={box} />
      <div className="mapbuttons">
        <button className="button square" aria-label={props.words.in} onClick={() => map.current?.zoomIn()}>+</button>
        <button className="button square" aria-label={props.words.out} onClick={() => map.current?.zoomOut()}>−</button>
        <button className="button square" aria-label={props.words.all} onClick={() => { fit(map.current, plan, null) }}>⤢</button>
      </div>
    </>
  )
}

function fit(map: MapLibre | null, plan: Plan, vehicle: string | null): void {
  const bounds = new LngLatBounds()
  for (const route of plan.routes) {
    if (vehicle === null ? route.stops.length > 0 : route.vehicle === vehicle) for (const point of [route.start, ...route.stops.map((stop) => stop.point)]) bounds.extend(point)
  }
  if (!bounds.isEmpty()) map?.fitBounds(bounds, { padding: 60, maxZoom: 14, duration: 400 })
}

function features(name: (typeof SOURCES)[number], plan: Plan, chosen: string | null, ticket: string | null): Feature[] {
  const routes = plan.routes.filter(({ stops }) => stops.length > 0)
  const on = (vehicle: string): number => (chosen === null ? 1 : vehicle === chosen ? 2 : 0)
  if (name === 'left') return plan.left.flatMap(({ point }) => (point === null ? [] : [pointOf(point, {})]))
  if (name === 'routes') {
    return routes.map((route): Feature => ({
      type: 'Feature', properties: { vehicle: route.vehicle, colour: colourOf(route.number).fill, on: on(route.vehicle) },
      geometry: { type: 'LineString', coordinates: [route.start, ...route.stops.map(({ point }) => point)] },
    }))
  }
  if (name === 'starts') return routes.map((route) => pointOf(route.start, { vehicle: route.vehicle, image: `crew|${route.number}`, on: on(route.vehicle) }))
  return routes.flatMap((route) => route.stops.map((stop, i) => pointOf(stop.point, {
    vehicle: route.vehicle, ticket: stop.ticket, on: on(route.vehicle), colour: colourOf(route.number).fill,
    image: `stop|${standingOf(stop)}|${stop.position}|${route.number}`, order: -stop.position, picked: Number(stop.ticket === ticket),
    // Stops at one place stand side by side, in their order.
    beside: route.stops.slice(0, i).filter(({ point }) => point.join() === stop.point.join()).length,
  })))
}

function layers(dark: boolean): LayerSpecification[] {
  const ink = dark ? '#e6ecef' : '#182026'
  const paper = dark ? '#0f1518' : '#ffffff'
  return [
    { id: 'left', type: 'circle', source: 'left', paint: { 'circle-radius': 2.6, 'circle-color': paper, 'circle-stroke-color': dark ? '#7d8c95' : '#8a959b', 'circle-stroke-width': 1.2 } },
    { id: 'route-case', type: 'line', source: 'routes', filter: ['==', ['get', 'on'], 2], layout: { 'line-join': 'round' }, paint: { 'line-color': ink, 'line-width': 6 } },
    {
      id: 'route', type: 'line', source: 'routes', layout: { 'line-join': 'round', 'line-sort-key': ['get', 'on'] },
      paint: {
        'line-color': ['get', 'colour'], 'line-width': ['match', ['get', 'on'], 2, 4, 1, 2, 1.2], 'line-opacity': ['match', ['get', 'on'], 2, 1, 1, 0.75, 0.25],
      },
    },
    {
      id: 'dot', type: 'circle', source: 'stops', filter: ['!=', ['get', 'on'], 2],
      paint: { 'circle-radius': ['interpolate', ['linear'], ['zoom'], 9, 2.6, 13, 5], 'circle-color': ['get', 'colour'], 'circle-opacity': ['match', ['get', 'on'], 1, 1, 0.35], 'circle-stroke-width': 0.8, 'circle-stroke-color': paper, 'circle-stroke-opacity': ['match', ['get', 'on'], 1, 1, 0.35] },
    },
    { id: 'crew', type: 'symbol', source: 'starts', layout: { 'icon-image': ['get', 'image'], 'icon-allow-overlap': true, 'icon-ignore-placement': true, 'symbol-sort-key': ['get', 'on'], 'icon-size': ['match', ['get', 'on'], 2, 1.25, 1, 0.9, 0.75] }, paint: { 'icon-opacity': ['match', ['get', 'on'], 0, 0.45, 1] } },
    { id: 'picked', type: 'circle', source: 'stops', filter: ['all', ['==', ['get', 'on'], 2], ['==', ['get', 'picked'], 1]], paint: { 'circle-radius': 18, 'circle-color': 'rgba(0,0,0,0)', 'circle-stroke-color': ink, 'circle-stroke-width': 2.5 } },
    { id: 'stop', type: 'symbol', source: 'stops', filter: ['==', ['get', 'on'], 2], layout: { 'icon-image': ['get', 'image'], 'icon-allow-overlap': true, 'icon-ignore-placement': true, 'symbol-sort-key': ['get', 'order'], 'icon-offset': ['match', ['get', 'beside'], 0, ['literal', [0, 0]], 1, ['literal', [25, 0]], 2, ['literal', [50, 0]], 3, ['literal', [75, 0]], ['literal', [100, 0]]] } },
  ]
}

function makeMap(container: HTMLDivElement, latest: { current: PlanMapProps }): MapLibre {
  const map = new MapLibre({
    container, center: [36.85, -1.27], zoom: 9.7, minZoom: 4, maxZoom: 18, attributionControl: false, dragRotate: false,
    pitchWithRotate: false, fadeDuration: 0, maxBounds: [[20, -16], [56, 16]],
  })
  map.touchZoomRotate.disableRotation()
  const canvasElement = map.getCanvas()
  canvasElement.setAttribute('aria-label', latest.current.label)
  map.on('error', ({ error }) => { console.warn('map:', error.message) })
  map.setMissingStyleImageResolver((id) => { drawPlanImage(map, id, latest.current.dark) })
  map.on('idle', () => { container.setAttribute('data-idle', container.getAttribute('data-drawn') ?? '') })
  map.on('click', (event) => {
    const found = hit(map, event)
    if (found === undefined) latest.current.onVehicle(null)
    else if (typeof found.ticket === 'string') latest.current.onStop(String(found.vehicle), found.ticket)
    else latest.current.onVehicle(String(found.vehicle))
  })
  map.on('mousemove', (event) => { canvasElement.style.cursor = hit(map, event) === undefined ? '' : 'pointer' })
  return map
}

function hit(map: MapLibre, { point: { x, y } }: MapMouseEvent): Record<string, unknown> | undefined {
  if (map.getLayer('route') === undefined) return undefined
  return map.queryRenderedFeatures([[x - 4, y - 4], [x + 4, y + 4]], { layers: ['stop', 'crew', 'dot', 'route'] })[0]?.properties
}

function drawPlanImage(map: MapLibre, id: string, dark: boolean): void {
  if (map.hasImage(id)) return
  const [kind = '', ...rest] = id.split('|')
  if (kind === 'crew') map.addImage(id, pixels(drawCrew(Number(rest[0]), inkOf(dark))), { pixelRatio: RATIO })
  else if (kind === 'stop') map.addImage(id, pixels(drawStop(rest[0] as Standing, rest[1] ?? '', Number(rest[2]), inkOf(dark))), { pixelRatio: RATIO })
  else drawImage(map, id, dark)
}

function write(context: CanvasRenderingContext2D, text: string, x: number, y: number, colour: string): void {
  context.font = `700 ${text.length > 2 ? 9 : 11}px system-ui, "Noto Sans", "Liberation Sans", sans-serif`
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  context.fillStyle = colour
  context.fillText(text, x, y)
}

function drawCrew(n: number, ink: Ink): HTMLCanvasElement {
  const { fill, ink: text } = colourOf(n)
  const context = canvas(24, 20)
  context.beginPath()
  context.roundRect(2, 2, 20, 16, 4)
  context.fillStyle = fill
  context.fill()
  context.strokeStyle = ink.hairline
  context.lineWidth = 1.2
  context.stroke()
  write(context, String(n), 12, 10.5, text)
  return context.canvas
}

// The same shapes as in the list: a diamond misses its deadline, a triangle is close to it, a circle is in time.
function drawStop(standing: Standing, position: string, n: number, ink: Ink): HTMLCanvasElement {
  const { fill, ink: text } = colourOf(n)
  const context = canvas(28, 28)
  const path = new Path2D()
  if (standing === 'missed' || standing === 'late') for (const [x, y] of [[14, 2], [26, 14], [14, 26], [2, 14]] as const) path.lineTo(x, y)
  else if (standing === 'close') for (const [x, y] of [[14, 2], [26, 25], [2, 25]] as const) path.lineTo(x, y)
  else if (standing === 'free') path.rect(4, 4, 20, 20)
  else path.arc(14, 14, 11, 0, Math.PI * 2)
  path.closePath()
  context.lineJoin = 'round'
  context.strokeStyle = ink.outline
  context.lineWidth = 3.5
  context.stroke(path)
  context.fillStyle = fill
  context.fill(path)
  context.strokeStyle = ink.hairline
  context.lineWidth = standing === 'missed' ? 2 : 1.1
  if (standing === 'late') context.setLineDash([3, 2])
  context.stroke(path)
  write(context, position, 14, standing === 'close' ? 18.5 : 14.5, text)
  return context.canvas
}
