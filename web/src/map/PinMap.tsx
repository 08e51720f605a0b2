// A small map with one proposed point and one pin that a person sets.
import 'maplibre-gl/dist/maplibre-gl.css'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import { type GeoJSONSource, Map as MapLibre, setWorkerUrl } from 'maplibre-gl'
import type { Feature } from 'geojson'
import { useEffect, useRef, useState } from 'react'
import { addGround, drawImage } from './ground'
import { offlineStyle } from './style'

setWorkerUrl(workerUrl)

type LonLat = [number, number]

interface Props {
  proposed: LonLat | null
  pin: LonLat | null
  dark: boolean
  moving: boolean
  label: string
  onPin: (pin: LonLat) => void
}

export default function PinMap({ proposed, pin, dark, moving, label, onPin }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const map = useRef<MapLibre | null>(null)
  const tell = useRef(onPin)
  tell.current = onPin
  const start = useRef(proposed)
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
      addGround(made, dark)
      made.addSource('pins', { type: 'geojson', data: { type: 'FeatureCollection', features: [] } })
      made.addLayer({ id: 'pins', type: 'symbol', source: 'pins', layout: { 'icon-image': ['get', 'mark'], 'icon-allow-overlap': true, 'icon-size': 1.3 } })
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
      type: 'FeatureCollection', features: [...at(proposed, 'mark|on_track|ringed'), ...at(pin, 'mark|breached|solid')],
    })
  }, [ready, proposed, pin])

  return <div className="map" ref={box} style={moving ? { cursor: 'crosshair' } : {}} />
}
