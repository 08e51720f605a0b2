import { describe, expect, it } from 'vitest'
import { begin, lastTuesday, observe, type Seen, STEPS, type Tour } from './tour'
import { DAY } from './time'

const NOW = Date.parse('2026-06-25T12:00:00+03:00') // a Thursday
const nothing: Seen = { ticket: null, basis: 'clock', at: null, now: NOW, broken: false, feedIsLate: false, copied: false }
const atStep = (step: (typeof STEPS)[number]): Tour => ({ ...begin('one'), at: STEPS.indexOf(step) })

describe('the last Tuesday', () => {
  it.each([
    ['2026-06-25T12:00:00+03:00', '2026-06-23T00:00:00+03:00'],
    ['2026-06-24T00:00:00+03:00', '2026-06-23T00:00:00+03:00'],
    ['2026-06-23T23:59:59+03:00', '2026-06-16T00:00:00+03:00'],
    ['2026-06-22T23:30:00Z', '2026-06-16T00:00:00+03:00'], // already Tuesday in Nairobi
    ['2026-06-22T20:59:59Z', '2026-06-16T00:00:00+03:00'],
  ])('before %s is %s', (now, tuesday) => {
    expect(lastTuesday(Date.parse(now))).toBe(Date.parse(tuesday))
  })
})

describe('a step', () => {
  it('is done by what it asks for, and by nothing else', () => {
    for (const step of STEPS) expect(observe(atStep(step), nothing).done).toEqual([])
    expect(observe(atStep('open'), { ...nothing, ticket: 'inc INC-1' }).done).toEqual(['open'])
    expect(observe(atStep('header'), { ...nothing, basis: 'proven' }).done).toEqual(['header'])
    expect(observe(atStep('explain'), { ...nothing, copied: true }).done).toEqual(['explain'])
    expect(observe(atStep('past'), { ...nothing, ticket: 'inc INC-1', basis: 'proven', copied: true }).done).toEqual([])
  })
  it('of the past wants that Tuesday, not the day beside it', () => {
    const tuesday = lastTuesday(NOW)
    const done = (at: number) => observe(atStep('past'), { ...nothing, at }).done
    expect(done(tuesday)).toEqual(['past'])
    expect(done(tuesday + DAY - 1)).toEqual(['past'])
    expect(done(tuesday - 1)).toEqual([])
    expect(done(tuesday + DAY)).toEqual([])
  })
  it('of the break wants the header to have told it, and the feed mended', () => {
    const broken = observe(atStep('break'), { ...nothing, broken: true })
    expect([broken.sawBroken, broken.done]).toEqual([false, []])
    expect(observe(broken, nothing).done).toEqual([]) // mended before anybody could see it
    const told = observe(broken, { ...nothing, broken: true, feedIsLate: true })
    expect([told.sawBroken, told.done]).toEqual([true, []])
    expect(observe(told, { ...nothing, feedIsLate: true }).done).toEqual([])
    expect(observe(told, nothing).done).toEqual(['break'])
  })
  it('that changes nothing is the same object', () => {
    const tour = atStep('open')
    expect(observe(tour, nothing)).toBe(tour)
  })
})
