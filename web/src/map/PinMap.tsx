// A small map with the candidates of a place, the centre of its cluster, and one pin that a person sets.
import 'maplibre-gl/dist/maplibre-gl.css'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import { type GeoJSONSource, LngLatBounds, Map as MapLibre, setWorkerUrl } from 'maplibre-gl'
import type { Feature } from 'geojson'
import { useEffect, useRef, useState } from 'react'
import { addLabels, addOutlines, drawImage } from './ground'
import { offlineStyle } from './style'

setWorkerUrl(workerUrl)

type LonLat = [number, number]

interface Props {
  offers: readonly LonLat[]
  chosen: number
  centre: LonLat | null
  pin: LonLat | null
  dark: boolean
  moving: boolean
  label: string
  onPin: (pin: LonLat) => void
}

export default function PinMap({ offers, chosen, centre, pin, dark, moving, label, onPin }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const map = useRef<MapLibre | null>(null)
  const tell = useRef(onPin)
  tell.current = onPin
  const start = useRef(offers[chosen] ?? centre)
  const [ready, setReady] = useState(false)

  useEffect(() => {
    if (box.current === null) return
    let made: MapLibre
    try {
      made = new MapLibre({
        container: box.current, style: offlineStyle(dark), center: start.current ?? [36.82, -1.28], zoom: start.current ? 12 : 9.5,
        attributionControl: false, dragRotate: false, fadeDuration: 0, maxBounds: [[20, -16], [56, 16]],
      })
    } catch (error) {
      console.warn('map:', error) // no WebGL: the coordinates can be typed
      return
    }
    map.current = made
    made.getCanvas().setAttribute('aria-label', label)
    made.setMissingStyleImageResolver((id) => { drawImage(made, id, dark) })
    made.on('style.load', () => {
      addOutlines(made, dark)
      addLabels(made)
      made.addSource('pins', { type: 'geojson', data: { type: 'FeatureCollection', features: [] } })
      made.addLayer({ id: 'pins', type: 'symbol', source: 'pins', layout: { 'icon-image': ['get', 'mark'], 'icon-allow-overlap': true, 'symbol-z-order': 'source', 'icon-size': 1.3 } })
      setReady(true)
    })
    made.on('click', ({ lngLat }) => { tell.current([Number(lngLat.lng.toFixed(5)), Number(lngLat.lat.toFixed(5))]) })
    return () => {
      map.current = null
      setReady(false)
      made.remove()
    }
  }, [dark, label])

  useEffect(() => {
    if (!ready || map.current === null) return
    const at = (coordinates: LonLat | null, mark: string): Feature[] => (coordinates === null ? [] : [{ type: 'Feature', properties: { mark }, geometry: { type: 'Point', coordinates } }])
    void map.current.getSource<GeoJSONSource>('pins')?.setData({
      type: 'FeatureCollection',
      features: [
        ...at(centre, 'mark|unknown|ringed'),
        ...offers.flatMap((one, i) => (i === chosen ? [] : at(one, 'mark|at_risk|ringed'))),
        ...at(offers[chosen] ?? null, 'mark|on_track|ringed'), ...at(pin, 'mark|breached|solid'),
      ],
    })
  }, [ready, offers, chosen, centre, pin])

  // All that is to be compared is in view: the choice moves nothing, so that it can be compared at all.
  useEffect(() => {
    const all = [...offers, ...(centre === null ? [] : [centre])]
    if (!ready || map.current === null || all.length === 0) return
    const bounds = new LngLatBounds()
    for (const one of all) bounds.extend(one)
    map.current.fitBounds(bounds, { padding: 60, maxZoom: 13, animate: false })
  }, [ready, offers, centre])

  return <div className="map" ref={box} style={moving ? { cursor: 'crosshair' } : {}} />
}
