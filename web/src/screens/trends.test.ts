import { describe, expect, it } from 'vitest'
import { stacked } from '../ui/Chart'
import { BANDS, type BacklogDay, seriesOf, type TrendDay } from './trends'

const day = (date: string, more: Partial<TrendDay> = {}): TrendDay => ({ day: date, coverage: 'full', mttr: { n: 30, missing: 0, median: 90, p90: 600 }, ageing: null, ...more })
const stock = (date: string, method: BacklogDay['method'], open: number | null): BacklogDay => ({ day: date, method, open, created: 5, closed: 0, reopened: 0 })

describe('series of the trends', () => {
  const made = seriesOf(
    [
      day('2026-06-20'), day('2026-06-21', { mttr: { n: 3, missing: 1, median: 60, p90: null } }), day('2026-06-22', { ageing: { 0: 2, 4: 3, 720: 1, unknown: 4 } }),
      day('2026-06-23', { coverage: 'partial' }), day('2026-06-24', { coverage: 'none', mttr: null }),
    ],
    [stock('2026-06-20', 'reconstructed', 7), stock('2026-06-21', 'replayed', 8), stock('2026-06-22', 'missing', null), stock('2026-06-23', 'observed', 9)],
    20,
  )
  it('keeps the ways a day is known apart, and what is missing out of all of them', () => {
    expect(Object.fromEntries(made.stock.map(({ method, values }) => [method, values]))).toEqual({
      reconstructed: [7, null, null, null, null], replayed: [7, 8, null, null, null], observed: [null, null, null, 9, null],
    })
    expect(made.noStock).toEqual([false, false, true, false, true])
  })
  it('has no flow and no repair time on a day that the data does not reach', () => {
    expect(made.created).toEqual([5, 5, 5, 5, null])
    expect(made.closed).toEqual([0, 0, 0, 0, null])
    expect(made.median).toEqual([1.5, 1, 1.5, 1.5, null])
    expect(made.uncovered).toEqual([false, false, false, false, true])
    expect(made.partial).toBe(Date.parse('2026-06-23T00:00:00+03:00'))
  })
  it('marks a median of few', () => {
    expect(made.few).toEqual([null, 1, null, null, null])
  })
  it('sums the age groups of a band, and all bands are all groups', () => {
    expect(made.ageing.map((values) => values[2])).toEqual([5, 0, 0, 0, 0, 1, 4])
    expect(BANDS.flatMap(({ hours }) => [...hours])).toEqual([0, 4, 12, 24, 36, 48, 72, 168, 720])
  })
})

describe('a stack', () => {
  it('stands on the sums of what is beneath it, the tallest drawn first', () => {
    const line = (name: string, values: (number | null)[]) => ({ name, colour: '', kind: 'stack' as const, values })
    const { drawn, data } = stacked([line('a', [1, null]), line('b', [2, null])])
    expect(drawn.map(({ name }) => name)).toEqual(['b', 'a'])
    expect(data).toEqual([[3, null], [1, null]])
  })
})
