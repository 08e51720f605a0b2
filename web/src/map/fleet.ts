// Vehicles on the map: no shape of theirs is a ticket's. An arrow drives, a van stands, a hollow one is only where it was.
import type { FeatureCollection } from 'geojson'
import type { GeoJSONSource, LayerSpecification, Map as MapLibre, SymbolLayerSpecification } from 'maplibre-gl'
import { type Freshness, headingOf, type Vehicle } from '../model/vehicle'
import { collection, pointOf } from './ground'
import { canvas, type Ink } from './marks'

export interface ShownVehicle {
  vehicle: Vehicle
  freshness: Freshness
  // What stands beside it: its plate, and its position's age where that is old.
  plate: string
}

export const FLEET = 'vehicles'

export function vehicleFeatures(shown: readonly ShownVehicle[], chosen: string | null): FeatureCollection {
  return collection(shown.flatMap(({ vehicle, freshness, plate }) => {
    if (vehicle.point === null) return []
    const heading = freshness === 'fresh' ? headingOf(vehicle) : null
    return [pointOf(vehicle.point, {
      vehicle: vehicle.id, image: `vehicle|${freshness}|${heading === null ? 'stands' : 'drives'}`, heading: heading ?? 0,
      plate: `plate|${freshness}|${plate}`, on: Number(vehicle.id === chosen),
    })]
  }))
}

export function addFleet(map: MapLibre, dark: boolean): void {
  map.addSource(FLEET, { type: 'geojson', data: collection([]) })
  for (const layer of fleetLayers(dark)) map.addLayer(layer)
}

export function putFleet(map: MapLibre, shown: readonly ShownVehicle[], chosen: string | null): void {
  void map.getSource<GeoJSONSource>(FLEET)?.setData(vehicleFeatures(shown, chosen))
}

function fleetLayers(dark: boolean): LayerSpecification[] {
  const haze = dark ? '#8fb8c9' : '#076384'
  const mark: SymbolLayerSpecification['layout'] = {
    'icon-image': ['get', 'image'], 'icon-rotate': ['get', 'heading'], 'icon-rotation-alignment': 'map',
    'icon-allow-overlap': true, 'icon-ignore-placement': true, 'icon-size': ['interpolate', ['linear'], ['zoom'], 9, 0.62, 12, 1],
  }
  const plate: SymbolLayerSpecification['layout'] = { 'icon-image': ['get', 'plate'], 'icon-anchor': 'top', 'icon-offset': [0, 10], 'icon-padding': 1 }
  const chosen = ['==', ['get', 'on'], 1] as ['==', ['get', string], number]
  return [
    {
      id: 'vehicle-chosen', type: 'circle', source: FLEET, filter: chosen,
      paint: { 'circle-radius': 17, 'circle-color': haze, 'circle-opacity': 0.22, 'circle-stroke-color': haze, 'circle-stroke-width': 2 },
    },
    { id: 'vehicle', type: 'symbol', source: FLEET, layout: mark },
    { id: 'vehicle-mark-chosen', type: 'symbol', source: FLEET, filter: chosen, layout: mark },
    { id: 'vehicle-plate', type: 'symbol', source: FLEET, minzoom: 11.5, filter: ['==', ['get', 'on'], 0], layout: plate },
    { id: 'vehicle-plate-chosen', type: 'symbol', source: FLEET, filter: chosen, layout: { ...plate, 'icon-allow-overlap': true } },
  ]
}

// Nose up: the map turns it into the direction it drives in. Who stands is seen from the side and is not turned.
export function drawVehicle(freshness: Freshness, drives: boolean, ink: Ink): HTMLCanvasElement {
  const size = 30
  const context = canvas(size, size)
  context.translate(size / 2, size / 2)
  const path = drives ? arrow() : van()
  context.lineJoin = 'round'
  context.strokeStyle = ink.outline
  context.lineWidth = 4
  context.stroke(path)
  context.fillStyle = freshness === 'fresh' ? ink.hairline : ink.surface
  context.fill(path)
  if (freshness !== 'fresh') {
    context.strokeStyle = ink.text
    context.lineWidth = 1.5
    context.setLineDash([2.5, 2])
    context.stroke(path)
  }
  return context.canvas
}

function arrow(): Path2D {
  const path = new Path2D()
  path.moveTo(0, -11)
  path.lineTo(8, 9)
  path.lineTo(0, 4.5)
  path.lineTo(-8, 9)
  path.closePath()
  return path
}

function van(): Path2D {
  const path = new Path2D()
  path.moveTo(-10, 4)
  path.lineTo(-10, -6)
  path.lineTo(3, -6)
  path.lineTo(7, -1)
  path.lineTo(10, 0)
  path.lineTo(10, 4)
  path.closePath()
  for (const x of [-5.5, 5.5]) {
    path.moveTo(x + 3, 5)
    path.arc(x, 5, 3, 0, Math.PI * 2)
  }
  return path
}

export function drawPlate(text: string, freshness: Freshness, ink: Ink): HTMLCanvasElement {
  const font = `${freshness === 'fresh' ? '600' : 'italic 400'} 11px system-ui, "Noto Sans", "Liberation Sans", sans-serif`
  const measure = canvas(1, 1)
  measure.font = font
  const width = Math.min(measure.measureText(text).width, 220) + 12
  const context = canvas(width, 18)
  context.beginPath()
  context.roundRect(0.5, 0.5, width - 1, 17, 4)
  context.fillStyle = ink.surface
  context.globalAlpha = 0.92
  context.fill()
  context.globalAlpha = 1
  context.strokeStyle = ink.text
  context.lineWidth = 0.6
  context.stroke()
  context.font = font
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  context.fillStyle = freshness === 'fresh' ? ink.hairline : ink.text
  context.fillText(text, width / 2, 9.5, 216)
  return context.canvas
}
