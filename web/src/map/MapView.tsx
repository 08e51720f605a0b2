// The map: what it is given it draws; what is touched on it, it tells. It keeps no state of its own.
import 'maplibre-gl/dist/maplibre-gl.css'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import { AttributionControl, LngLatBounds, Map as MapLibre, Marker, setWorkerUrl } from 'maplibre-gl'
import { useEffect, useRef, useState } from 'react'
import type { Ticket } from '../model/ticket'
import type { View } from '../model/view'
import { type Basemap, basemapOf } from './basemap'
import { addFleet, putFleet, type ShownVehicle } from './fleet'
import { addOutlines, drawImage } from './ground'
import type { Group, Shown } from './groups'
import { painted } from './painted'
import { Overlay } from './overlay'
import { offlineStyle } from './style'

setWorkerUrl(workerUrl)

export interface Pulse {
  key: string
  point: [number, number]
  label: string
  tickets: string[]
}

export interface MapProps {
  shown: readonly Shown[]
  chosen: Ticket | null
  vehicles: readonly ShownVehicle[]
  chosenVehicle: string | null
  closed: readonly Ticket[]
  pulses: readonly Pulse[]
  dark: boolean
  // Undefined until it is known which ground is configured.
  basemap: string | null | undefined
  place: View['place']
  label: string
  words: { in: string; out: string; all: string; group: (n: number, breached: number) => string }
  onTicket: (key: string) => void
  onVehicle: (id: string) => void
  onGroup: (keys: string[]) => void
  onPlace: (place: NonNullable<View['place']>) => void
  onBasemap: (there: boolean) => void
  onFailed: (error: Error) => void
}

// Greater Nairobi, where the first ticket most likely is.
const HOME: [number, number, number] = [36.85, -1.27, 9.7]
const DEEPEST = 18

interface Parts { map: MapLibre; overlay: Overlay }

export default function MapView(props: MapProps) {
  const box = useRef<HTMLDivElement>(null)
  const parts = useRef<Parts | null>(null)
  const latest = useRef(props)
  latest.current = props
  const [made, setMade] = useState(0)
  const drawn = useRef<{ made: number; shown: readonly Shown[] }>({ made: 0, shown: [] })
  const { dark, basemap, shown, chosen, closed, pulses, vehicles, chosenVehicle } = props
  const [grounded, setGrounded] = useState(0)
  const [named, setNamed] = useState(false)

  useEffect(() => {
    if (box.current === null) return
    try {
      parts.current = makeMap(box.current, latest)
    } catch (error) {
      latest.current.onFailed(error instanceof Error ? error : new Error(String(error)))
      return
    }
    setMade((n) => n + 1)
    return () => {
      parts.current?.overlay.remove()
      parts.current?.map.remove()
      parts.current = null
    }
  }, [])

  useEffect(() => {
    const map = parts.current?.map
    if (map === undefined || basemap === undefined) return
    let live = true
    // First the tickets are on the screen, then what is under them.
    void Promise.all([basemapOf(basemap, dark), painted()]).then(([found]) => {
      if (!live) return
      putGround(map, found, dark, () => {
        addFleet(map, dark)
        setGrounded((n) => n + 1)
      })
      setNamed(found?.named === true)
      latest.current.onBasemap(found !== null || basemap === null)
    })
    return () => { live = false }
  }, [made, dark, basemap])

  useEffect(() => {
    if (parts.current === null) return
    // A minute that changes no state changes no mark: the grouping of thousands is not done again for it.
    const kept = drawn.current.made === made && same(drawn.current.shown, shown) ? drawn.current.shown : shown
    drawn.current = { made, shown: kept }
    parts.current.overlay.show({ shown: kept, chosen, closed, dark, names: !named })
    box.current?.setAttribute('data-drawn', String(shown.length))
    if (parts.current.map.loaded()) box.current?.setAttribute('data-idle', String(shown.length))
  }, [made, shown, chosen, closed, dark, named])

  useEffect(() => {
    const point = chosen?.point ?? null
    if (point !== null && parts.current?.map.getBounds().contains(point) === false) parts.current.map.easeTo({ center: point })
  }, [made, chosen?.point])

  useEffect(() => {
    const map = parts.current?.map
    if (map === undefined) return
    const markers = pulses.map((pulse) => new Marker({ element: ringOf(pulse, latest) }).setLngLat(pulse.point).addTo(map))
    return () => { for (const marker of markers) marker.remove() }
  }, [made, pulses])

  useEffect(() => {
    if (grounded === 0 || parts.current === null) return
    putFleet(parts.current.map, vehicles, chosenVehicle)
    box.current?.setAttribute('data-vehicles', String(vehicles.filter(({ vehicle }) => vehicle.point !== null).length))
  }, [grounded, vehicles, chosenVehicle])

  // A vehicle just chosen comes into view; one that drives on is not followed.
  const seen = useRef<string | null>(null)
  useEffect(() => {
    const map = parts.current?.map
    if (map === undefined || seen.current === chosenVehicle) return
    const point = vehicles.find(({ vehicle }) => vehicle.id === chosenVehicle)?.vehicle.point ?? null
    if (point !== null || chosenVehicle === null) seen.current = chosenVehicle
    if (point !== null && !map.getBounds().contains(point)) map.easeTo({ center: point })
  }, [made, vehicles, chosenVehicle])

  const all = (): void => {
    const bounds = boundsOf(shown)
    if (!bounds.isEmpty()) parts.current?.map.fitBounds(bounds, { padding: 70, maxZoom: 14 })
  }
  return (
    <>
      <div className="map" ref={box} />
      <div className="mapbuttons">
        <button className="button square" aria-label={props.words.in} onClick={() => parts.current?.map.zoomIn()}>+</button>
        <button className="button square" aria-label={props.words.out} onClick={() => parts.current?.map.zoomOut()}>−</button>
        <button className="button square" aria-label={props.words.all} onClick={all}>⤢</button>
      </div>
    </>
  )
}

function same(a: readonly Shown[], b: readonly Shown[]): boolean {
  return a.length === b.length && a.every(({ ticket, state }, i) => ticket === b[i]?.ticket && state === b[i].state)
}

function boundsOf(shown: readonly Shown[]): LngLatBounds {
  const bounds = new LngLatBounds()
  for (const { ticket } of shown) if (ticket.point !== null) bounds.extend(ticket.point)
  return bounds
}

function makeMap(container: HTMLDivElement, latest: { current: MapProps }): Parts {
  const [lon, lat, zoom] = latest.current.place ?? HOME
  const map = new MapLibre({
    container, center: [lon, lat], zoom, minZoom: 4, maxZoom: DEEPEST, attributionControl: false, dragRotate: false,
    pitchWithRotate: false, touchPitch: false, maxPitch: 0, fadeDuration: 0, maxBounds: [[20, -16], [56, 16]],
  })
  map.touchZoomRotate.disableRotation()
  map.keyboard.disableRotation()
  const canvas = map.getCanvas()
  canvas.setAttribute('aria-label', latest.current.label)
  map.on('error', ({ error }) => {
    // A tile that does not come is no reason to take the map away.
    console.warn('map:', error.message)
  })
  map.setMissingStyleImageResolver((id) => { drawImage(map, id, latest.current.dark) })
  map.on('idle', () => { container.setAttribute('data-idle', container.getAttribute('data-drawn') ?? '') })
  map.on('moveend', () => {
    const centre = map.getCenter()
    latest.current.onPlace([centre.lng, centre.lat, map.getZoom()])
  })
  const overlay = new Overlay(map)
  map.on('click', ({ point }) => {
    const group = overlay.hit(point.x, point.y)
    const vehicle = group === undefined ? vehicleAt(map, point) : undefined
    if (group !== undefined) pick(map, group, latest.current)
    else if (vehicle !== undefined) latest.current.onVehicle(vehicle)
  })
  map.on('mousemove', ({ point }) => {
    const group = overlay.hit(point.x, point.y)
    canvas.style.cursor = group === undefined && vehicleAt(map, point) === undefined ? '' : 'pointer'
    canvas.title = group === undefined ? '' : titleOf(group, latest.current)
  })
  // Paper keeps no WebGL canvas: ground and tickets are put on it as one picture, in light colours.
  const onPaper = (): void => {
    map.redraw()
    overlay.print(latest.current.dark)
  }
  addEventListener('beforeprint', onPaper)
  addEventListener('afterprint', overlay.draw)
  map.on('remove', () => {
    removeEventListener('beforeprint', onPaper)
    removeEventListener('afterprint', overlay.draw)
  })
  return { map, overlay }
}

function vehicleAt(map: MapLibre, { x, y }: { x: number; y: number }): string | undefined {
  if (map.getLayer('vehicle') === undefined) return undefined
  const found = map.queryRenderedFeatures([[x - 4, y - 4], [x + 4, y + 4]], { layers: ['vehicle'] })[0]?.properties.vehicle as unknown
  return typeof found === 'string' ? found : undefined
}

function titleOf({ members, counts }: Group, { words }: MapProps): string {
  const [only] = members
  if (members.length > 1 || only === undefined) return words.group(members.length, counts.breached)
  return [only.ticket.id, only.ticket.cluster, only.ticket.location].filter(Boolean).join(' · ')
}

// A group opens where that parts it; a group that no zoom can part is shown in the list.
function pick(map: MapLibre, { members }: Group, props: MapProps): void {
  const [only] = members
  if (members.length === 1 && only !== undefined) {
    props.onTicket(only.ticket.key)
    return
  }
  const camera = map.cameraForBounds(boundsOf(members), { padding: 90, maxZoom: DEEPEST })
  if (camera?.zoom !== undefined && camera.zoom < DEEPEST && camera.zoom > map.getZoom() + 0.1) map.easeTo(camera)
  else if (camera?.zoom !== undefined && camera.zoom < DEEPEST && map.getZoom() < DEEPEST - 1) map.easeTo({ ...camera, zoom: map.getZoom() + 1 })
  else props.onGroup(members.map(({ ticket }) => ticket.key))
}

export function putGround(map: MapLibre, basemap: Basemap | null, dark: boolean, done: () => void): void {
  for (const control of [...map._controls]) map.removeControl(control)
  if (basemap !== null) map.addControl(new AttributionControl({ compact: false }), 'bottom-left')
  map.setStyle(basemap?.style ?? offlineStyle(dark), { diff: false })
  map.once('style.load', () => {
    map.setProjection({ type: 'mercator' })
    if (basemap === null) addOutlines(map, dark)
    done()
  })
}

// Where an outage is suspected, a ring that breathes; it leads to its tickets like its line above the map.
function ringOf({ label, tickets }: Pulse, latest: { current: MapProps }): HTMLElement {
  const ring = document.createElement('button')
  ring.className = 'pulse'
  ring.title = label
  ring.setAttribute('aria-label', label)
  ring.addEventListener('click', (event) => {
    event.stopPropagation()
    latest.current.onGroup(tickets)
  })
  return ring
}
