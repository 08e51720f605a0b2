import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byUrgency, evidence, knownState, stateAt } from './sla'
import { ticketOf } from './ticket'
import { HOUR } from './time'

const opened = Date.parse('2026-06-21T12:00:00+03:00')
const ticket = (dataset: 'inc' | 'crq' = 'inc') => ({
  dataset, openedAt: opened, riskAt: dataset === 'inc' ? opened + 36 * HOUR : null, dueAt: dataset === 'inc' ? opened + 48 * HOUR : null,
})

describe('state at an instant', () => {
  it('changes at the exact second, never at a rounded hour', () => {
    expect(stateAt(ticket(), opened + 36 * HOUR - 1000)).toBe('on_track')
    expect(stateAt(ticket(), opened + 36 * HOUR)).toBe('at_risk')
    expect(stateAt(ticket(), opened + 48 * HOUR - 1)).toBe('at_risk')
    expect(stateAt(ticket(), opened + 48 * HOUR)).toBe('breached')
  })

  it('is unknown for a fault without a clock and none for an installation', () => {
    expect(stateAt({ dataset: 'inc', openedAt: null, riskAt: null, dueAt: null }, opened)).toBe('unknown')
    expect(stateAt(ticket('crq'), opened + 1000 * HOUR)).toBe('none')
    expect(stateAt({ dataset: 'crq', openedAt: null, riskAt: null, dueAt: null }, opened)).toBe('none')
  })

  it('is proven only as far as the data reaches', () => {
    const now = opened + 50 * HOUR
    expect(evidence(ticket(), now, now)).toBe('proven')
    expect(evidence(ticket(), now, opened + 40 * HOUR)).toBe('presumed')
    expect(knownState(ticket(), now, opened + 40 * HOUR)).toBe('at_risk')
    expect(evidence(ticket(), opened + 37 * HOUR, opened + 2 * HOUR)).toBe('presumed')
    expect(evidence(ticket(), opened, opened)).toBeNull()
  })

  it('never gets milder as time passes, and what is proven stays so', () => {
    const severity = { on_track: 0, at_risk: 1, breached: 2, unknown: 0, none: 0 }
    fc.assert(fc.property(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 }), (a, b) => {
      const [early, late] = [Math.min(a, b), Math.max(a, b)]
      expect(severity[stateAt(ticket(), opened + late * HOUR)]).toBeGreaterThanOrEqual(severity[stateAt(ticket(), opened + early * HOUR)])
    }))
  })
})

describe('order of work', () => {
  it('puts the longest overdue first and tickets without a deadline last, in one order however they come', () => {
    const make = (id: string, opened_at: string | null, due: string | null) => ticketOf({
      type: 'Feature', geometry: null, properties: { ticket_id: id, dataset: due ? 'inc' : 'crq', opened_at, sla_due_at: due, sla_at_risk_at: due },
    })
    const all = [
      make('B', '2026-06-02T00:00:00Z', '2026-06-04T00:00:00Z'), make('A', '2026-06-01T00:00:00Z', '2026-06-03T00:00:00Z'),
      make('D', null, null), make('C', '2026-05-01T00:00:00Z', null),
    ]
    fc.assert(fc.property(fc.shuffledSubarray(all, { minLength: 4 }), (some) => {
      expect([...some].sort(byUrgency).map(({ id }) => id)).toEqual(['A', 'B', 'C', 'D'])
    }))
  })
})
