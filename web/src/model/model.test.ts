import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { choices, exportQuery, NO_FILTER, NONE, passes } from './filter'
import { judge, rulesOf, USUAL } from './freshness'
import { ticketOf } from './ticket'
import { activeTime, dateOf, dayStart, HOUR } from './time'
import { HOME, pathOf, viewOf, SCREENS } from './view'

const at = (text: string): number => Date.parse(`${text}+03:00`)
const now = at('2026-06-25T12:00')

describe('time in East Africa', () => {
  it('begins the day at EAT midnight', () => {
    expect(dateOf(at('2026-06-23T00:00'))).toBe('2026-06-23')
    expect(dateOf(at('2026-06-22T23:59'))).toBe('2026-06-22')
    expect(dayStart(at('2026-06-23T17:30'))).toBe(at('2026-06-23T00:00'))
  })

  it('counts only active hours, 06 to 20', () => {
    expect(activeTime(at('2026-06-23T19:00'), at('2026-06-24T07:00'), USUAL.active)).toBe(2 * HOUR)
    expect(activeTime(at('2026-06-23T21:00'), at('2026-06-24T05:00'), USUAL.active)).toBe(0)
    expect(activeTime(at('2026-06-22T00:00'), at('2026-06-24T00:00'), USUAL.active)).toBe(28 * HOUR)
  })

  it('adds up: the active time of two adjoining spans is that of both', () => {
    const hour = fc.integer({ min: 0, max: 24 * 40 }).map((h) => at('2026-06-01T00:00') + h * HOUR / 2)
    fc.assert(fc.property(hour, hour, hour, (...times) => {
      const [a, b, c] = times.sort((x, y) => x - y)
      expect(activeTime(a, b, USUAL.active) + activeTime(b, c, USUAL.active)).toBe(activeTime(a, c, USUAL.active))
    }))
  })
})

describe('freshness', () => {
  const clocks = { runAt: now - HOUR / 2, fileTs: now - HOUR, contentAsOf: now - 49 * HOUR }
  it('is fine at the usual two days of lag', () => {
    expect(judge(clocks, USUAL, now)).toMatchObject({ level: 'ok', reason: 'as_usual' })
  })
  it('grows from late to stopped as the feed is silent', () => {
    expect(judge({ ...clocks, fileTs: now - 3 * HOUR, contentAsOf: now - 50 * HOUR }, USUAL, now)).toMatchObject({ level: 'warn', reason: 'feed_silent' })
    expect(judge({ ...clocks, fileTs: now - 6 * HOUR, contentAsOf: now - 50 * HOUR }, USUAL, now)).toMatchObject({ level: 'error', reason: 'feed_silent' })
    expect(judge({ ...clocks, fileTs: at('2026-06-24T11:00'), contentAsOf: at('2026-06-23T11:00') }, USUAL, now)).toMatchObject({ level: 'error', reason: 'feed_stopped' })
  })
  it('is an error when files come but content stands still', () => {
    expect(judge({ ...clocks, contentAsOf: now - 74 * HOUR }, USUAL, now)).toMatchObject({ level: 'error', reason: 'content_still' })
  })
  it('is judged by the limits that the server tells', () => {
    const rules = rulesOf({ limits: { feed_warn_h: 0.5, feed_error_h: 2, content_warn_h: 20 } })
    expect(judge(clocks, rules, now)).toMatchObject({ level: 'warn', reason: 'feed_silent' })
    expect(judge(clocks, rulesOf({ limits: { active_from_h: 12 } }), now)).toMatchObject({ level: 'ok' })
    expect(rulesOf(null)).toEqual(USUAL)
  })
  it('tells what is wrong with the newest files, after what is wrong with the clocks', () => {
    const rules = rulesOf({ last_attempt_failed: true, alarms: [{ cause: 'export_truncated' }, { cause: 'nobody knows this' }] })
    expect(judge(clocks, rules, now)).toMatchObject({ level: 'warn', reason: 'run_failed' })
    expect(judge(clocks, { ...rules, lastAttemptFailed: false }, now)).toMatchObject({ level: 'warn', reason: 'export_truncated' })
    expect(judge({ ...clocks, fileTs: now - 6 * HOUR }, rules, now)).toMatchObject({ level: 'error', reason: 'feed_silent' })
  })
  it('is an error before the first file', () => {
    expect(judge({ runAt: null, fileTs: null, contentAsOf: null }, USUAL, now).reason).toBe('no_data')
  })
})

describe('filter', () => {
  const make = (properties: Record<string, unknown>) => ticketOf({ type: 'Feature', geometry: null, properties: { dataset: 'inc', ...properties } })
  const clocks = { now, contentAsOf: { inc: now, crq: now } }
  const tickets = [
    make({ ticket_id: 'INC-1', cluster: 'RUAKA', status: 'ACCEPTED', assigned_team: 'East Crew 1', opened_at: '2026-06-20T00:00:00Z' }),
    make({ ticket_id: 'INC-2', cluster: null, status: 'PENDING', owner: 'Achieng Otieno', opened_at: null }),
    make({ ticket_id: 'INC-3', cluster: 'RUAKA', status: 'PENDING', opened_at: '2026-06-25T08:00:00Z', location_name: '<b>RUAKA</b>' }),
  ]
  const kept = (filter: Partial<typeof NO_FILTER>) => tickets.filter((one) => passes(one, { ...NO_FILTER, ...filter }, 'clock', clocks)).map(({ id }) => id)

  it('combines its parts with AND and ignores case and outer spaces', () => {
    expect(kept({ cluster: ' ruaka ' })).toEqual(['INC-1', 'INC-3'])
    expect(kept({ cluster: 'RUAKA', status: 'pending' })).toEqual(['INC-3'])
    expect(kept({ cluster: NONE })).toEqual(['INC-2'])
  })
  it('takes the owner for the team where no team is given', () => {
    expect(kept({ team: 'Achieng Otieno' })).toEqual(['INC-2'])
  })
  it('keeps what is old enough, and never what has no age', () => {
    expect(kept({ ageH: 24 })).toEqual(['INC-1'])
  })
  it('finds text anywhere', () => {
    expect(kept({ q: '<b>' })).toEqual(['INC-3'])
    expect(kept({ q: 'otieno' })).toEqual(['INC-2'])
  })
  it('offers choices that sum to what the other parts leave', () => {
    const found = choices(tickets, 'cluster', { ...NO_FILTER, cluster: 'RUAKA' }, 'clock', clocks)
    expect(found).toEqual([['RUAKA', 2], [NONE, 1]])
  })
  it('exports by the same names', () => {
    expect(exportQuery({ ...NO_FILTER, cluster: 'SOUTH B', sla: ['breached', 'at_risk'] }, null).toString()).toBe('cluster=SOUTH+B&sla=breached%2Cat_risk')
  })
})

describe('view in the URL', () => {
  it('comes back as it was written', () => {
    const view = fc.record({
      screen: fc.constantFrom(...SCREENS),
      filter: fc.record({
        dataset: fc.constantFrom(null, 'inc' as const, 'crq' as const), cluster: fc.option(fc.string({ minLength: 1 })), status: fc.option(fc.string({ minLength: 1 })),
        team: fc.option(fc.string({ minLength: 1 })), sla: fc.subarray(['breached' as const, 'at_risk' as const]), ageH: fc.nat(500), q: fc.string(),
      }),
      at: fc.option(fc.integer({ min: 0, max: 4e12 })),
      ticket: fc.option(fc.string({ minLength: 1 })),
    }).map((part) => ({ ...HOME, ...part }))
    fc.assert(fc.property(view, (one) => { expect(viewOf(new URL(pathOf(one), 'http://x'))).toEqual(one) }))
  })
  it('makes something sane of anything', () => {
    const odd = viewOf(new URL('http://x/nonsense?sla=x,breached&age=-4&at=never&place=1,2&mode=?&window=aeon'))
    expect(odd).toMatchObject({ screen: 'map', at: null, place: null, mode: 'known', window: 'last', filter: { sla: ['breached'], ageH: 0 } })
  })
})
