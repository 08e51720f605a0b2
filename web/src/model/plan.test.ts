import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { changesOf, colourOf, type Listed, lockOf, locked, NO_LOCKS, ofOpen, type Plan, planOf, standingOf, toWorkOn, unlocked, worstFirst } from './plan'

const HOUR = 3_600_000

function plan(orders: Record<string, string[]>, locks = NO_LOCKS): Plan {
  return planOf({
    plan_id: 1, revision: 1, state: 'draft', planned_for: '2026-06-23T09:00:00+03:00', locks,
    routes: Object.entries(orders).map(([vehicle_id, tickets]) => ({
      vehicle_id, label: `plate ${vehicle_id}`, lat: -1.2, lon: 36.8,
      stops: tickets.map((ticket_id, i) => ({ ticket_id, position: i + 1, lat: -1.2, lon: 36.8, begins_at: '2026-06-23T09:10:00+03:00', finishes_at: '2026-06-23T09:55:00+03:00' })),
    })),
    unassigned: [{ ticket_id: 'L', reason: 'no_location', by: [], lat: null, lon: null }],
  })
}

describe('a plan', () => {
  it('is read as the server tells it', () => {
    const one = plan({ A: ['a', 'b'], B: [] })
    expect(one.routes.map(({ label, number, stops }) => [label, number, stops.length])).toEqual([['plate A', 1, 2], ['plate B', 2, 0]])
    expect(one.routes[0]?.stops[0]?.serviceMs).toBe(45 * 60_000)
    expect(one.left[0]).toMatchObject({ ticket: 'L', reason: 'no_location', point: null })
  })
  it('judges a stop by its deadline, and what was late before by nothing', () => {
    const stop = (slackMs: number | null, tier: 'save' | 'late' | 'routine' = 'save'): Parameters<typeof standingOf>[0] => ({ slackMs, tier, marginMs: 0 })
    expect(standingOf(stop(null))).toBe('free')
    expect(standingOf(stop(0))).toBe('close')
    expect(standingOf(stop(HOUR))).toBe('in_time')
    expect(standingOf({ ...stop(HOUR), marginMs: 2 * HOUR })).toBe('close')
    expect(standingOf(stop(-1))).toBe('missed')
    expect(standingOf(stop(-1, 'late'))).toBe('late')
  })
  it('is told worst first, and the idle last', () => {
    const one = plan({ idle: [], fine: ['f'], missed: ['m'], close: ['c'] })
    const slack: Record<string, number> = { fine: 5 * HOUR, missed: -HOUR, close: HOUR / 2 }
    const routes = one.routes.map((route) => ({ ...route, stops: route.stops.map((stop) => ({ ...stop, slackMs: slack[route.vehicle] ?? null, tier: 'save' as const })) }))
    expect(worstFirst(routes).map(({ vehicle }) => vehicle)).toEqual(['missed', 'close', 'fine', 'idle'])
  })
})

describe('locks', () => {
  it('pin a ticket to a crew, or fix the order up to it', () => {
    const one = plan({ A: ['a', 'b', 'c'], B: ['x', 'y'] })
    expect(locked(one, 'a', 'B', null)).toEqual({ pinned: { a: 'B' }, first: {} })
    expect(locked(one, 'c', 'A', 0)).toEqual({ pinned: {}, first: { A: ['c'] } })
    expect(locked(one, 'a', 'B', 1)).toEqual({ pinned: {}, first: { B: ['x', 'a'] } })
    const twice = { ...one, locks: { pinned: { x: 'B' }, first: { A: ['a', 'b'] } } }
    expect(locked(twice, 'c', 'A', 1)).toEqual({ pinned: { x: 'B' }, first: { A: ['a', 'c', 'b'] } })
    expect(locked(twice, 'a', 'B', 1)).toEqual({ pinned: {}, first: { A: ['b'], B: ['x', 'a'] } })
  })
  it('hold a ticket at one place, where it was asked to be, and are undone', () => {
    const orders = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 12 })
    fc.assert(fc.property(orders, fc.nat(), fc.nat(), fc.nat(), (tickets, cut, pick, at) => {
      const half = cut % tickets.length
      let one = plan({ A: tickets.slice(0, half), B: tickets.slice(half) })
      for (const round of [0, 1]) {
        const ticket = tickets[(pick + round) % tickets.length] ?? ''
        const others = tickets.slice(half).filter((t) => t !== ticket)
        const position = at % (others.length + 1)
        const locks = locked(one, ticket, 'B', position)
        expect(Object.values(locks.first).flat().filter((t) => t === ticket)).toHaveLength(1)
        if (round === 0) expect(locks.first.B?.indexOf(ticket)).toBe(position)
        expect(lockOf(locks, ticket)).toBe('first')
        expect(lockOf(unlocked(locks, ticket), ticket)).toBeNull()
        one = { ...one, locks }
      }
    }))
  })
  it('of closed tickets fall', () => {
    const locks = { pinned: { a: 'A', gone: 'A' }, first: { B: ['gone2', 'x'], C: ['gone3'] } }
    expect(ofOpen(locks, (ticket) => !ticket.startsWith('gone'))).toEqual({ pinned: { a: 'A' }, first: { B: ['x'] } })
  })
})

describe('what a change did', () => {
  it('is counted from the plans', () => {
    const before = plan({ A: ['a', 'b', 'c'], B: ['x', 'y'] })
    const after = plan({ A: ['c', 'b'], B: ['x', 'a', 'n'] })
    expect(changesOf(before, after)).toEqual({ moved: [['a', 'A', 'B']], added: [['n', 'B']], dropped: ['y'], reordered: ['A'] })
    expect(changesOf(before, before)).toEqual({ moved: [], added: [], dropped: [], reordered: [] })
  })
})

describe('the plan to work on', () => {
  const listed = (plan_id: number, state: Listed['state']): Listed => ({ plan_id, state } as Listed)
  it('is a draft that is newer than the committed plan', () => {
    expect(toWorkOn([])).toBeNull()
    expect(toWorkOn([listed(4, 'draft'), listed(3, 'committed'), listed(2, 'draft')])?.plan_id).toBe(4)
    expect(toWorkOn([listed(3, 'committed'), listed(2, 'draft')])?.plan_id).toBe(3)
    expect(toWorkOn([listed(2, 'draft'), listed(1, 'draft')])?.plan_id).toBe(2)
    expect(toWorkOn([listed(2, 'superseded')])?.plan_id).toBe(2)
  })
})

describe('colours of routes', () => {
  const light = (hex: string): number => {
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  it('let their number be read', () => {
    for (let n = 1; n <= 12; n += 1) {
      const { fill, ink } = colourOf(n)
      const [a, b] = [light(fill), light(ink)].sort((x, y) => y - x)
      expect(((a ?? 0) + 0.05) / ((b ?? 0) + 0.05)).toBeGreaterThan(4.4)
    }
  })
})
