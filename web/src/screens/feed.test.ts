import { describe, expect, it } from 'vitest'
import { DAY } from '../model/time'
import { daysOf, type FeedFile, type FeedFiles } from './feed'

const at = (text: string): number => Date.parse(`2026-06-${text}:00+03:00`)
const file = (when: string, silent_h: number | null): FeedFile => ({
  file_id: at(when), key: when, exported_at: new Date(at(when)).toISOString(), state: 'applied', reason: null, rows: 1, rejected: 0,
  is_late: false, is_truncated: false, silent_h, content_lag_s: 0, waited_s: 0,
})
const limits = { feed_warn_h: 3, active_from_h: 6, active_until_h: 20 }
const days = [at('22T00:00'), at('23T00:00')]

describe('the strip of files', () => {
  const told = (feed: Partial<FeedFiles>, now: string) => daysOf({ silent_h: 0, limits, files: [], ...feed }, days, at(now)).map(({ files, gaps }) => [files.length, gaps])
  it('puts each file into its East African day', () => {
    expect(told({ files: [file('22T06:10', 0.1), file('22T23:50', 13), file('23T00:10', 0)] }, '23T00:20').map(([n]) => n)).toEqual([2, 1])
  })
  it('draws a silence over a night in the active hours of both days', () => {
    expect(told({ files: [file('22T18:00', 0), file('23T08:00', 4)] }, '23T08:30')).toEqual([
      [1, [{ from: 18, until: 20 }]], [1, [{ from: 6, until: 8 }]],
    ])
  })
  it('draws the silence that lasts until now, and none that is shorter than the limit', () => {
    expect(told({ files: [file('23T10:00', 2.9)], silent_h: 5 }, '23T15:00')[1]).toEqual([1, [{ from: 10, until: 15 }]])
    expect(told({ files: [file('23T10:00', 2.9)], silent_h: 2 }, '23T12:00')[1]).toEqual([1, []])
  })
  it('is one silence where no file came at all', () => {
    expect(daysOf({ silent_h: null, limits, files: [] }, [days[0] ?? 0], (days[0] ?? 0) + DAY)[0]?.gaps).toEqual([{ from: 6, until: 20 }])
  })
})
