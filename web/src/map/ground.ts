// What lies under every map of ours: outlines and names of places, and the images drawn on demand.
import type { Feature, FeatureCollection, Point } from 'geojson'
import type { Map as MapLibre } from 'maplibre-gl'
import type { SlaState } from '../model/sla'
import { cell, type Named } from './geometry'
import { places } from './gazetteer'
import type { Freshness } from '../model/vehicle'
import { drawPlate, drawVehicle } from './fleet'
import { drawLabel, drawMark, inkOf, pixels, RATIO, type Trust } from './marks'
import { labelLayer, outlineLayers } from './style'

const BIG = new Set(['town', 'suburb', 'city'])
const CELL_M = 4500

export function addOutlines(map: MapLibre, dark: boolean): void {
  map.addSource('cells', { type: 'geojson', data: cells(places()) })
  for (const layer of outlineLayers(dark)) map.addLayer(layer)
}

export function drawImage(map: MapLibre, id: string, dark: boolean): void {
  if (map.hasImage(id)) return
  const ink = inkOf(dark)
  const [kind = '', a = '', ...rest] = id.split('|')
  if (kind === 'mark') map.addImage(id, pixels(drawMark(a as SlaState, rest[0] as Trust, ink)), { pixelRatio: RATIO })
  else if (kind === 'vehicle') map.addImage(id, pixels(drawVehicle(a as Freshness, rest[0] === 'drives', ink)), { pixelRatio: RATIO })
  else if (kind === 'plate') map.addImage(id, pixels(drawPlate(rest.join('|'), a as Freshness, ink)), { pixelRatio: RATIO })
  else if (kind === 'label') map.addImage(id, pixels(drawLabel(rest.join('|'), a as 'place', ink)), { pixelRatio: RATIO })
}

export function collection(list: Feature[]): FeatureCollection {
  return { type: 'FeatureCollection', features: list }
}

export function pointOf(coordinates: [number, number], properties: Record<string, unknown>): Feature<Point> {
  return { type: 'Feature', properties, geometry: { type: 'Point', coordinates } }
}

export interface Label {
  name: string
  big: boolean
  point: [number, number]
  // The lower, the more important.
  rank: number
  minzoom: number
}

export function labelsOf(named: ReturnType<typeof places>): Label[] {
  return named.map(({ name, kind, point, radiusKm }) => {
    const big = BIG.has(kind)
    return { name, big, point, rank: big ? Math.max(0, 10 - radiusKm * 2) : 20, minzoom: big ? (radiusKm >= 1.5 ? 8.5 : 10) : 11.5 }
  }).sort((a, b) => a.rank - b.rank)
}

// For a map that has no tickets to keep the names clear of.
export function addLabels(map: MapLibre): void {
  map.addSource('labels', {
    type: 'geojson',
    data: collection(labelsOf(places()).map(({ name, big, point, rank, minzoom }) => pointOf(point, { image: `label|${big ? 'cluster' : 'place'}|${name}`, rank, minzoom }))),
  })
  map.addLayer(labelLayer)
}

function cells(named: ReturnType<typeof places>): FeatureCollection {
  const big: Named[] = named.filter(({ kind }) => BIG.has(kind))
  return collection(big.map((one) => cell(one, big, CELL_M)))
}
