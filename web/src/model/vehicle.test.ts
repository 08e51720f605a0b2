import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byUse, freshnessOf, headingOf, nearestOf, placeMarginS, pointOfCompass, POINTS, straightLine, vehicleOf } from './vehicle'

const NOW = Date.parse('2026-06-23T12:00:00+03:00')
const told = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  vehicle_id: 'V1', label: 'KDA 001A', team: 'Team A', skills: ['fibre', 7], lon: 36.8, lat: -1.28, known_at: '2026-06-23T11:59:00+03:00',
  speed_km_per_h: 30, heading_deg: 91, shift_start: '08:00', shift_end: '17:00', obstacle: null, ...more,
})

describe('a vehicle', () => {
  it('is read as the server tells it', () => {
    const vehicle = vehicleOf(told())
    expect(vehicle.point).toEqual([36.8, -1.28])
    expect(vehicle.skills).toEqual(['fibre'])
    expect(vehicleOf(told({ shares_label: true })).label).toBe('KDA 001A (V1)')
    expect(vehicleOf({ vehicle_id: 'X' })).toMatchObject({ label: 'X', point: null, knownAt: null })
  })
  it('grows stale while the page is open, after an hour to the millisecond', () => {
    const vehicle = vehicleOf(told())
    const at = vehicle.knownAt ?? 0
    expect(freshnessOf(vehicle, at + 3_600_000)).toBe('fresh')
    expect(freshnessOf(vehicle, at + 3_600_001)).toBe('stale')
    expect(freshnessOf(vehicleOf(told({ lon: null })), NOW)).toBe('unknown')
  })
  it('points somewhere only while it drives', () => {
    expect(headingOf(vehicleOf(told()))).toBe(90)
    expect(headingOf(vehicleOf(told({ speed_km_per_h: 0 })))).toBeNull()
    expect(headingOf(vehicleOf(told({ heading_deg: null })))).toBeNull()
    expect(headingOf(vehicleOf(told({ heading_deg: 359 })))).toBe(0)
  })
  it('drives towards the nearest of eight points of the compass', () => {
    fc.assert(fc.property(fc.double({ min: -720, max: 720, noNaN: true }), (degrees) => {
      const at = POINTS.indexOf(pointOfCompass(degrees)) * 45
      const off = Math.abs(((degrees - at) % 360 + 540) % 360 - 180)
      expect(off).toBeLessThanOrEqual(22.5 + 1e-9)
    }))
  })
  it('comes before those that nobody can find', () => {
    const list = [told({ vehicle_id: 'A', lon: null }), told({ vehicle_id: 'B', known_at: '2026-06-23T08:00:00+03:00' }), told({ vehicle_id: 'C' })].map(vehicleOf)
    expect(list.sort(byUse(NOW)).map(({ id }) => id)).toEqual(['C', 'B', 'A'])
  })
})

describe('the nearest', () => {
  it('come with what the distance is worth', () => {
    const near = nearestOf({
      ticket: { geo_source: 'cluster', lat: -1.2, lon: 36.8, is_open: true },
      vehicles: [{ ...told(), distance_m: 1200, eta_s: 234, eta_basis: 'straight line x 1.35 at 25 km/h' }],
    })
    expect(near).toMatchObject({ hasPlace: true, geoSource: 'cluster', isOpen: true })
    expect(near.vehicles[0]).toMatchObject({ distanceM: 1200, etaS: 234 })
    expect(nearestOf({ ticket: { geo_source: 'none' }, vehicles: [] }).hasPlace).toBe(false)
  })
  it('say what an arrival rests on', () => {
    expect(straightLine('straight line x 1.35 at 25 km/h')).toEqual({ detour: 1.35, kmH: 25 })
    expect(straightLine('straight line x 1.35 at 25 km/h; the router is away')).toEqual({ detour: 1.35, kmH: 25 })
    expect(straightLine('osrm')).toBeNull()
    expect(Math.round(placeMarginS(2500, 'straight line x 1.35 at 25 km/h'))).toBe(486)
    expect(placeMarginS(null, 'osrm')).toBe(0)
  })
})
