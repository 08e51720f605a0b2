import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cell } from './geometry'
import { places } from './gazetteer'
import { groupName, groupOf } from './marks'

describe('geometry', () => {
  it('keeps each cell around its own point and away from every other', () => {
    const point = fc.tuple(fc.double({ min: 36.6, max: 37.1, noNaN: true }), fc.double({ min: -1.5, max: -1, noNaN: true }))
    fc.assert(fc.property(fc.uniqueArray(point, { minLength: 2, maxLength: 12, selector: String }), (points) => {
      const named = points.map((p, i) => ({ name: String(i), point: p }))
      for (const one of named) {
        for (const corner of cell(one, named, 4000).geometry.coordinates[0] ?? []) {
          const far = (p: [number, number]): number => {
            const squeeze = Math.cos((one.point[1] * Math.PI) / 180)
            return Math.hypot(((corner[0] ?? 0) - p[0]) * squeeze, (corner[1] ?? 0) - p[1])
          }
          for (const other of named) expect(far(one.point)).toBeLessThanOrEqual(far(other.point) + 1e-6)
        }
      }
    }), { numRuns: 20 })
  })
})

describe('labels', () => {
  it('read the gazetteer with its quoted cells', () => {
    expect(places('name,aliases,lat,lon,kind,radius_km\n"A ""B"", C",x;y,-1.2,36.8,town,2\nD,,-1,37,estate,0.5\n')).toEqual([
      { name: 'A "B", C', kind: 'town', point: [36.8, -1.2], radiusKm: 2 },
      { name: 'D', kind: 'estate', point: [37, -1], radiusKm: 0.5 },
    ])
  })
  it('have a point near Nairobi each', () => {
    const all = places()
    expect(all.length).toBeGreaterThan(80)
    for (const { point: [lon, lat] } of all) {
      expect(lon).toBeGreaterThan(36)
      expect(lon).toBeLessThan(38)
      expect(lat).toBeGreaterThan(-2)
      expect(lat).toBeLessThan(0)
    }
  })
  it('name a donut by its counts, and back', () => {
    const group = { breached: 4, atRisk: 0, onTrack: 7, rest: 0, area: true }
    expect(groupOf(groupName(group))).toEqual(group)
  })
})
