// The map: what it is given it draws; what is touched on it, it tells. It keeps no state of its own.
import 'maplibre-gl/dist/maplibre-gl.css'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import {
  addProtocol, type GeoJSONSource, LngLatBounds, Map as MapLibre, type MapMouseEvent, setWorkerUrl,
} from 'maplibre-gl'
import type { Feature, FeatureCollection, Point } from 'geojson'
import { useEffect, useRef, useState } from 'react'
import type { SlaState } from '../model/sla'
import type { Ticket } from '../model/ticket'
import type { View } from '../model/view'
import { circle } from './geometry'
import { addFleet, putFleet, type ShownVehicle } from './fleet'
import { addGround, collection, drawImage, pointOf } from './ground'
import type { Trust } from './marks'
import { offlineStyle, ticketLayers } from './style'

setWorkerUrl(workerUrl)

export interface Shown {
  ticket: Ticket
  state: SlaState
}

export interface MapProps {
  shown: readonly Shown[]
  chosen: Ticket | null
  vehicles: readonly ShownVehicle[]
  chosenVehicle: string | null
  closed: readonly Ticket[]
  dark: boolean
  basemap: string | null
  place: View['place']
  label: string
  words: { in: string; out: string; all: string }
  onTicket: (key: string) => void
  onVehicle: (id: string) => void
  onGroup: (keys: string[]) => void
  onPlace: (place: NonNullable<View['place']>) => void
  onFailed: (error: Error) => void
}

// Greater Nairobi, where the first ticket most likely is.
const HOME: [number, number, number] = [36.85, -1.27, 9.7]
const TRUST: Record<Ticket['geoSource'], Trust> = { feed: 'solid', location: 'ringed', cluster: 'area', none: 'area' }
const WORST: Record<SlaState, number> = { breached: 4, at_risk: 3, on_track: 2, unknown: 1, none: 0 }
const MOST_IMAGES = 800
const DEEPEST = 17

export default function MapView(props: MapProps) {
  const box = useRef<HTMLDivElement>(null)
  const map = useRef<MapLibre | null>(null)
  const latest = useRef(props)
  latest.current = props
  const [ready, setReady] = useState(0)
  const drawn = useRef<{ ready: number; shown: readonly Shown[] }>({ ready: 0, shown: [] })
  const { dark, basemap } = props

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
    if (made === null) return
    let live = true
    void putBasemap(made, basemap, dark).then(() => {
      made.once('style.load', () => {
        if (!live) return
        addOurs(made, dark, basemap === null)
        setReady((n) => n + 1)
      })
    })
    return () => { live = false }
  }, [dark, basemap])

  useEffect(() => {
    if (ready === 0 || map.current === null) return
    // A minute that changes no state changes no mark: the clustering of thousands is not done again for it.
    if (drawn.current.ready === ready && same(drawn.current.shown, props.shown)) return
    drawn.current = { ready, shown: props.shown }
    void source(map.current, 'tickets').setData(features(props.shown))
    void source(map.current, 'areas').setData(areas(props.shown))
    box.current?.setAttribute('data-drawn', String(props.shown.length))
  }, [ready, props.shown])

  useEffect(() => {
    if (ready === 0 || map.current === null) return
    const point = props.chosen?.point ?? null
    void source(map.current, 'chosen').setData(collection(point === null || props.chosen === null ? [] : [
      { type: 'Feature', properties: {}, geometry: { type: 'Point', coordinates: point } },
      ...(props.chosen.radiusM === null ? [] : [circle(point, props.chosen.radiusM)]),
    ]))
    if (point !== null && !map.current.getBounds().contains(point)) map.current.easeTo({ center: point })
  }, [ready, props.chosen])

  useEffect(() => {
    if (ready === 0 || map.current === null) return
    void source(map.current, 'closed').setData(collection(props.closed.flatMap((ticket) => (ticket.point === null ? [] : [pointOf(ticket.point, { key: ticket.key })]))))
  }, [ready, props.closed])

  useEffect(() => {
    if (ready === 0 || map.current === null) return
    putFleet(map.current, props.vehicles, props.chosenVehicle)
    box.current?.setAttribute('data-vehicles', String(props.vehicles.filter(({ vehicle }) => vehicle.point !== null).length))
  }, [ready, props.vehicles, props.chosenVehicle])

  // A vehicle just chosen comes into view; one that drives on is not followed.
  const seen = useRef<string | null>(null)
  useEffect(() => {
    if (ready === 0 || map.current === null || seen.current === props.chosenVehicle) return
    const point = props.vehicles.find(({ vehicle }) => vehicle.id === props.chosenVehicle)?.vehicle.point ?? null
    if (point !== null || props.chosenVehicle === null) seen.current = props.chosenVehicle
    if (point !== null && !map.current.getBounds().contains(point)) map.current.easeTo({ center: point })
  }, [ready, props.vehicles, props.chosenVehicle])

  const all = (): void => {
    const bounds = new LngLatBounds()
    for (const { ticket } of props.shown) if (ticket.point) bounds.extend(ticket.point)
    if (!bounds.isEmpty()) map.current?.fitBounds(bounds, { padding: 70, maxZoom: 14 })
  }
  return (
    <>
      <div className="map" ref={box} />
      <div className="mapbuttons">
        <button className="button square" aria-label={props.words.in} onClick={() => map.current?.zoomIn()}>+</button>
        <button className="button square" aria-label={props.words.out} onClick={() => map.current?.zoomOut()}>−</button>
        <button className="button square" aria-label={props.words.all} onClick={all}>⤢</button>
      </div>
    </>
  )
}

function same(a: readonly Shown[], b: readonly Shown[]): boolean {
  return a.length === b.length && a.every(({ ticket, state }, i) => ticket === b[i]?.ticket && state === b[i].state)
}

function makeMap(container: HTMLDivElement, latest: { current: MapProps }): MapLibre {
  const [lon, lat, zoom] = latest.current.place ?? HOME
  const map = new MapLibre({
    container, center: [lon, lat], zoom, minZoom: 4, maxZoom: 18, attributionControl: false, dragRotate: false,
    pitchWithRotate: false, fadeDuration: 0, maxBounds: [[20, -16], [56, 16]],
  })
  map.touchZoomRotate.disableRotation()
  const canvas = map.getCanvas()
  canvas.setAttribute('aria-label', latest.current.label)
  map.on('error', ({ error }) => {
    // A tile that does not come is no reason to take the map away.
    console.warn('map:', error.message)
  })
  map.setMissingStyleImageResolver((id) => { drawImage(map, id, latest.current.dark) })
  map.on('idle', () => {
    const names = map.listImages().filter((name) => name.startsWith('donut|'))
    if (names.length > MOST_IMAGES) for (const name of names) map.removeImage(name)
    container.setAttribute('data-idle', container.getAttribute('data-drawn') ?? '')
  })
  map.on('moveend', () => {
    const centre = map.getCenter()
    latest.current.onPlace([centre.lng, centre.lat, map.getZoom()])
  })
  map.on('click', (event) => void pick(map, event, latest.current))
  map.on('mousemove', (event) => {
    canvas.style.cursor = hit(map, event) === undefined ? '' : 'pointer'
  })
  return map
}

function hit(map: MapLibre, event: MapMouseEvent): ReturnType<MapLibre['queryRenderedFeatures']>[number] | undefined {
  if (map.getLayer('group') === undefined) return undefined
  const { x, y } = event.point
  return map.queryRenderedFeatures([[x - 4, y - 4], [x + 4, y + 4]], { layers: ['vehicle', 'group', 'ticket'] })[0]
}

// A group opens where that parts it; a group that no zoom can part is shown in the list.
async function pick(map: MapLibre, event: MapMouseEvent, props: MapProps): Promise<void> {
  const feature = hit(map, event)
  if (feature === undefined) return
  if (typeof feature.properties.vehicle === 'string') {
    props.onVehicle(feature.properties.vehicle)
    return
  }
  const id = feature.properties.cluster_id as number | undefined
  if (id === undefined) {
    props.onTicket(String(feature.properties.key))
    return
  }
  const tickets = source(map, 'tickets')
  const zoom = await tickets.getClusterExpansionZoom(id)
  if (zoom <= DEEPEST) {
    map.easeTo({ center: (feature.geometry as Point).coordinates as [number, number], zoom: zoom + 0.2 })
    return
  }
  const leaves = await tickets.getClusterLeaves(id, 5000, 0)
  props.onGroup(leaves.map((leaf) => String(leaf.properties?.key)))
}

async function putBasemap(map: MapLibre, basemap: string | null, dark: boolean): Promise<void> {
  if (basemap === null) {
    map.setStyle(offlineStyle(dark), { diff: false })
    return
  }
  const { Protocol } = await import('pmtiles')
  addProtocol('pmtiles', new Protocol().tile)
  map.setStyle(basemap, { diff: false })
}

function addOurs(map: MapLibre, dark: boolean, ownLabels: boolean): void {
  const empty = collection([])
  map.addSource('tickets', {
    type: 'geojson', data: empty, cluster: true, clusterRadius: 46, clusterMaxZoom: DEEPEST, maxzoom: DEEPEST + 1,
    clusterProperties: {
      b: ['+', ['get', 'b']], r: ['+', ['get', 'r']], t: ['+', ['get', 't']], u: ['+', ['get', 'u']], a: ['+', ['get', 'a']],
    },
  })
  for (const name of ['areas', 'chosen', 'closed']) map.addSource(name, { type: 'geojson', data: empty })
  if (ownLabels) addGround(map, dark)
  for (const layer of ticketLayers(dark)) map.addLayer(layer)
  addFleet(map, dark)
}

function source(map: MapLibre, name: string): GeoJSONSource {
  const found = map.getSource<GeoJSONSource>(name)
  if (found === undefined) throw new Error(`the map has no source ${name}`)
  return found
}

function features(shown: readonly Shown[]): FeatureCollection {
  return collection(shown.flatMap(({ ticket, state }) => {
    if (ticket.point === null) return []
    const trust = TRUST[ticket.geoSource]
    return [pointOf(ticket.point, {
      key: ticket.key, mark: `mark|${state}|${trust}`, worst: WORST[state],
      b: Number(state === 'breached'), r: Number(state === 'at_risk'), t: Number(state === 'on_track'),
      u: Number(state === 'unknown' || state === 'none'), a: Number(trust === 'area'),
    })]
  }))
}

// One circle a cluster of which tickets are known no better than that.
function areas(shown: readonly Shown[]): FeatureCollection {
  const found = new Map<string, Feature>()
  for (const { ticket } of shown) {
    if (ticket.geoSource !== 'cluster' || ticket.point === null || ticket.radiusM === null) continue
    const name = ticket.point.join()
    if (!found.has(name)) found.set(name, circle(ticket.point, ticket.radiusM))
  }
  return collection([...found.values()])
}
