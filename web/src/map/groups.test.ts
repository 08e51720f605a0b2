import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Ticket } from '../model/ticket'
import { STATES } from '../model/sla'
import { Groups, mercator, type Shown } from './groups'

const place = fc.tuple(fc.double({ min: 36.6, max: 37.1, noNaN: true }), fc.double({ min: -1.5, max: -1, noNaN: true }))
const shown = fc.array(fc.record({ point: fc.option(place), state: fc.constantFrom(...STATES) }), { maxLength: 120 })
  .map((list) => list.map(({ point, state }, i): Shown => ({ ticket: { key: `inc:${i}`, point, geoSource: 'feed' } as Ticket, state })))
const zoom = fc.integer({ min: 4, max: 18 })
const near = (at: number): number => 46 / (512 * 2 ** at)

describe('groups', () => {
  it('hold every ticket with a place exactly once', () => {
    fc.assert(fc.property(shown, zoom, (list, at) => {
      const found = new Groups(list).at(at).flatMap(({ members }) => members.map(({ ticket }) => ticket.key))
      expect(found.toSorted()).toEqual(list.filter(({ ticket }) => ticket.point !== null).map(({ ticket }) => ticket.key).toSorted())
    }))
  })
  it('count their tickets by state, the most urgent first', () => {
    fc.assert(fc.property(shown, zoom, (list, at) => {
      for (const { members, counts } of new Groups(list).at(at)) {
        for (const state of STATES) expect(counts[state]).toBe(members.filter((one) => one.state === state).length)
        const order = members.map((one) => list.indexOf(one))
        expect(order).toEqual(order.toSorted((a, b) => a - b))
      }
    }))
  })
  it('hold what is near to their most urgent ticket, and these are far from each other', () => {
    fc.assert(fc.property(shown, zoom, (list, at) => {
      const far = (a: Shown | undefined, b: Shown): number => {
        const [p, q] = [mercator(a?.ticket.point ?? [0, 0]), mercator(b.ticket.point ?? [0, 0])]
        return Math.hypot(p[0] - q[0], p[1] - q[1])
      }
      const groups = new Groups(list).at(at)
      for (const { members } of groups) for (const one of members) expect(far(members[0], one)).toBeLessThanOrEqual(near(at) * (1 + 1e-9))
      for (const a of groups) for (const b of groups) if (a !== b && b.members[0]) expect(far(a.members[0], b.members[0])).toBeGreaterThan(near(at) * (1 - 1e-9))
    }))
  })
  it('part as one comes nearer, until only what lies in one place is together', () => {
    const at = (lon: number, key: string): Shown => ({ ticket: { key, point: [lon, -1.2], geoSource: 'cluster' } as Ticket, state: 'breached' })
    const groups = new Groups([at(36.8, 'a'), at(36.8, 'b'), at(36.801, 'c')])
    expect([9, 12, 15, 18].map((z) => groups.at(z + 0.7).length)).toEqual([1, 1, 2, 2])
    expect(groups.at(9)[0]?.area).toBe(true)
  })
})
