// The offline map: Natural Earth lines, outlines of the clusters, names of places. No request leaves the server.
import type { LayerSpecification, StyleSpecification } from 'maplibre-gl'
import lines from '../../basemap/lines.json?url'

export function offlineStyle(dark: boolean): StyleSpecification {
  const colour = dark
    ? { land: '#12191d', sea: '#0b1114', lake: '#0d171c', coast: '#33434c', county: '#26323a', border: '#3d4d57' }
    : { land: '#f5f4f0', sea: '#e4ebee', lake: '#dfe8ec', coast: '#b9c6cd', county: '#dcdbd4', border: '#c2c1b8' }
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

// Outlines and names of the places we know; a configured basemap brings its own.
export function groundLayers(dark: boolean): LayerSpecification[] {
  const line = dark ? '#2c3a42' : '#d3d2ca'
  const fill = dark ? '#182126' : '#fbfaf7'
  return [
    { id: 'cell', type: 'fill', source: 'cells', paint: { 'fill-color': fill, 'fill-opacity': ['interpolate', ['linear'], ['zoom'], 7, 0, 8.5, 1] } },
    { id: 'cell-line', type: 'line', source: 'cells', paint: { 'line-color': line, 'line-width': 1, 'line-opacity': ['interpolate', ['linear'], ['zoom'], 7, 0, 8.5, 1] } },
    {
      id: 'label', type: 'symbol', source: 'labels', minzoom: 7,
      filter: ['any', ['==', ['get', 'rank'], 0], ['>=', ['zoom'], ['get', 'minzoom']]],
      layout: { 'icon-image': ['get', 'image'], 'symbol-sort-key': ['get', 'rank'], 'icon-padding': 3 },
    },
  ]
}

// The layers of the tickets, above whatever ground is under them.
export function ticketLayers(dark: boolean): LayerSpecification[] {
  const haze = dark ? '#8fb8c9' : '#076384'
  return [
    { id: 'area', type: 'fill', source: 'areas', minzoom: 10.5, paint: { 'fill-color': haze, 'fill-opacity': 0.03 } },
    { id: 'area-line', type: 'line', source: 'areas', minzoom: 10.5, paint: { 'line-color': haze, 'line-width': 1, 'line-opacity': 0.35, 'line-dasharray': [3, 3] } },
    { id: 'chosen-area', type: 'fill', source: 'chosen', filter: ['==', ['geometry-type'], 'Polygon'], paint: { 'fill-color': haze, 'fill-opacity': 0.12 } },
    { id: 'chosen-line', type: 'line', source: 'chosen', filter: ['==', ['geometry-type'], 'Polygon'], paint: { 'line-color': haze, 'line-width': 1.5 } },
    {
      id: 'closed', type: 'circle', source: 'closed',
      paint: { 'circle-radius': 3.5, 'circle-color': dark ? '#5d6d76' : '#9aa5ac', 'circle-opacity': 0.7, 'circle-stroke-width': 0.5, 'circle-stroke-color': dark ? '#0f1518' : '#ffffff' },
    },
    {
      id: 'ticket', type: 'symbol', source: 'tickets', filter: ['!', ['has', 'point_count']],
      layout: { 'icon-image': ['get', 'mark'], 'icon-allow-overlap': true, 'icon-ignore-placement': true, 'symbol-sort-key': ['get', 'worst'] },
    },
    {
      id: 'group', type: 'symbol', source: 'tickets', filter: ['has', 'point_count'],
      layout: {
        'icon-image': ['concat', 'donut|', ['get', 'b'], '|', ['get', 'r'], '|', ['get', 't'], '|', ['get', 'u'], '|', ['case', ['==', ['get', 'a'], ['get', 'point_count']], '1', '0']],
        'icon-allow-overlap': true, 'icon-ignore-placement': true, 'symbol-sort-key': ['get', 'b'],
      },
    },
    {
      id: 'chosen', type: 'circle', source: 'chosen', filter: ['==', ['geometry-type'], 'Point'],
      paint: { 'circle-radius': 19, 'circle-color': 'rgba(0,0,0,0)', 'circle-stroke-color': haze, 'circle-stroke-width': 2.5 },
    },
  ]
}
