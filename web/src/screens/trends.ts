// The days of the trends as series: what is not known of a day is null in them, and said so, never 0.
import { startOfDate } from '../model/time'
import type { Coverage } from './data'

export interface BacklogDay {
  day: string
  open: number | null
  method: 'observed' | 'replayed' | 'reconstructed' | 'missing'
  created: number | null
  closed: number | null
  reopened: number | null
}

export interface TrendDay {
  day: string
  coverage: Coverage
  mttr: { n: number; missing: number; median: number | null; p90: number | null } | null
  ageing: Record<string, number> | null
}

export const METHODS = { observed: 'line', replayed: 'thin', reconstructed: 'dashed' } as const

// The age groups of the server, some of them together: more colours than these cannot be told apart.
export const BANDS = [
  { name: '0', hours: [0, 4], colour: '--age-1' },
  { name: '12', hours: [12, 24], colour: '--age-2' },
  { name: '36', hours: [36], colour: '--age-3' },
  { name: '48', hours: [48], colour: '--age-4' },
  { name: '72', hours: [72], colour: '--age-5' },
  { name: '168', hours: [168, 720], colour: '--age-6' },
  { name: 'unknown', hours: [], colour: '--unknown' },
] as const

type Values = (number | null)[]

export interface Made {
  days: number[]
  stock: { method: keyof typeof METHODS; values: Values }[]
  created: Values
  closed: Values
  reopened: Values
  median: Values
  p90: Values
  n: Values
  // The median of days with fewer than so many closures.
  few: Values
  smallN: number
  ageing: Values[]
  noStock: boolean[]
  noAgeing: boolean[]
  uncovered: boolean[]
  // The last day that the data reaches in part.
  partial: number | null
}

export function seriesOf(trends: readonly TrendDay[], backlog: readonly BacklogDay[], smallN: number): Made {
  const stockOf = new Map(backlog.map((day) => [day.day, day]))
  const both = trends.map((day) => ({ ...day, stock: stockOf.get(day.day) }))
  const flow = (name: 'created' | 'closed' | 'reopened'): Values => both.map(({ coverage, stock }) => (coverage === 'none' ? null : stock?.[name] ?? null))
  const hours = (name: 'median' | 'p90'): Values => both.map(({ mttr }) => (mttr?.[name] == null ? null : mttr[name] / 60))
  const median = hours('median')
  const partial = both.findLast(({ coverage }) => coverage === 'partial')
  return {
    days: both.map(({ day }) => startOfDate(day)),
    stock: (Object.keys(METHODS) as (keyof typeof METHODS)[])
      .map((method) => ({ method, values: both.map(({ stock }, i) => reaches(method, stock, both[i + 1]?.stock)) }))
      .filter(({ values }) => values.some((value) => value !== null)),
    created: flow('created'),
    closed: flow('closed'),
    reopened: flow('reopened'),
    median,
    p90: hours('p90'),
    n: both.map(({ mttr }) => mttr?.n ?? null),
    few: both.map(({ mttr }, i) => (mttr !== null && mttr.n < smallN ? median[i] ?? null : null)),
    smallN,
    ageing: BANDS.map(({ name, hours: bounds }) => both.map(({ ageing }) => (
      ageing === null ? null : name === 'unknown' ? ageing.unknown ?? 0 : bounds.reduce<number>((sum, from) => sum + (ageing[from] ?? 0), 0)
    ))),
    noStock: both.map(({ stock }) => stock === undefined || stock.open === null),
    noAgeing: both.map(({ ageing }) => ageing === null),
    uncovered: both.map(({ coverage }) => coverage === 'none'),
    partial: partial === undefined ? null : startOfDate(partial.day),
  }
}

// A line begins where the one before it ends, so that no gap says more than it means.
function reaches(method: string, day: BacklogDay | undefined, next: BacklogDay | undefined): number | null {
  if (day === undefined || day.method === 'missing') return null
  return day.method === method || next?.method === method ? day.open : null
}
