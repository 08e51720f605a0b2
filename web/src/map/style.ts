// The offline map: Natural Earth lines, outlines of the clusters, names of places. No request leaves the server.
import type { FillLayerSpecification, LayerSpecification, LineLayerSpecification, StyleSpecification } from 'maplibre-gl'
import lines from '../../basemap/lines.json?url'

const colours = (dark: boolean): Record<'land' | 'sea' | 'lake' | 'coast' | 'county' | 'border' | 'green' | 'road' | 'house', string> => (dark
  ? { land: '#12191d', sea: '#0b1114', lake: '#0d171c', coast: '#33434c', county: '#26323a', border: '#3d4d57', green: '#141f1d', road: '#34424a', house: '#1a2328' }
  : { land: '#f5f4f0', sea: '#e4ebee', lake: '#dfe8ec', coast: '#b9c6cd', county: '#dcdbd4', border: '#c2c1b8', green: '#ecefe4', road: '#dcdad1', house: '#eae8e1' })

export function offlineStyle(dark: boolean): StyleSpecification {
  const colour = colours(dark)
  const kind = (name: string): ['==', ['get', string], string] => ['==', ['get', 'kind'], name]
  return {
    version: 8,
    sources: { lines: { type: 'geojson', data: new URL(lines, location.href).href } },
    layers: [
      { id: 'land', type: 'background', paint: { 'background-color': colour.land } },
      { id: 'sea', type: 'fill', source: 'lines', filter: kind('sea'), paint: { 'fill-color': colour.sea } },
      { id: 'lake', type: 'fill', source: 'lines', filter: kind('lake'), paint: { 'fill-color': colour.lake, 'fill-outline-color': colour.coast } },
      { id: 'county', type: 'line', source: 'lines', filter: kind('county'), paint: { 'line-color': colour.county, 'line-width': 1, 'line-dasharray': [4, 3] } },
      { id: 'coast', type: 'line', source: 'lines', filter: kind('coast'), paint: { 'line-color': colour.coast, 'line-width': 1 } },
      { id: 'border', type: 'line', source: 'lines', filter: kind('border'), paint: { 'line-color': colour.border, 'line-width': 1.4 } },
    ],
  }
}

// An archive of tiles: pictures as they are; vector tiles as quiet ground, by the layer names of Protomaps and of
// OpenMapTiles, of those that the archive has.
export function archiveStyle(url: string, vector: readonly string[] | null, dark: boolean): StyleSpecification {
  const colour = colours(dark)
  const land: LayerSpecification = { id: 'land', type: 'background', paint: { 'background-color': colour.land } }
  if (vector === null) {
    return { version: 8, sources: { ground: { type: 'raster', url, tileSize: 256 } }, layers: [land, { id: 'ground', type: 'raster', source: 'ground' }] }
  }
  const fill = (layer: string, paint: string): FillLayerSpecification => (
    { id: layer, type: 'fill', source: 'ground', 'source-layer': layer, paint: { 'fill-color': paint } })
  const line = (layer: string, paint: string, width: [number, number]): LineLayerSpecification => ({
    id: layer, type: 'line', source: 'ground', 'source-layer': layer, layout: { 'line-cap': 'round', 'line-join': 'round' },
    paint: { 'line-color': paint, 'line-width': ['interpolate', ['exponential', 1.5], ['zoom'], 8, width[0], 18, width[1]] },
  })
  const layers = [
    ...['landcover', 'landuse', 'park'].map((layer) => fill(layer, colour.green)),
    fill('water', colour.lake),
    ...['building', 'buildings'].map((layer) => ({ ...fill(layer, colour.house), minzoom: 14 })),
    line('waterway', colour.lake, [0.5, 3]),
    ...['roads', 'transportation'].map((layer) => line(layer, colour.road, [0.4, 9])),
    ...['boundaries', 'boundary'].map((layer) => line(layer, colour.border, [1, 2])),
  ]
  return { version: 8, sources: { ground: { type: 'vector', url } }, layers: [land, ...layers.filter(({ id }) => vector.includes(id))] }
}

// Outlines of the places we know; a configured basemap has better ones.
export function outlineLayers(dark: boolean): LayerSpecification[] {
  const line = dark ? '#2c3a42' : '#d3d2ca'
  const fill = dark ? '#182126' : '#fbfaf7'
  return [
    { id: 'cell', type: 'fill', source: 'cells', paint: { 'fill-color': fill, 'fill-opacity': ['interpolate', ['linear'], ['zoom'], 7, 0, 8.5, 1] } },
    { id: 'cell-line', type: 'line', source: 'cells', paint: { 'line-color': line, 'line-width': 1, 'line-opacity': ['interpolate', ['linear'], ['zoom'], 7, 0, 8.5, 1] } },
  ]
}

export const labelLayer: LayerSpecification = {
  id: 'label', type: 'symbol', source: 'labels', minzoom: 7,
  filter: ['any', ['==', ['get', 'rank'], 0], ['>=', ['zoom'], ['get', 'minzoom']]],
  layout: { 'icon-image': ['get', 'image'], 'symbol-sort-key': ['get', 'rank'], 'icon-padding': 3 },
}
