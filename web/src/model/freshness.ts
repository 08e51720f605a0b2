// How old the data is, in the words of the four clocks, and whether that is as usual.
import { activeTime, HOUR } from './time'

export interface DatasetClocks {
  runAt: number | null
  fileTs: number | null
  contentAsOf: number | null
}

export type Level = 'ok' | 'warn' | 'error'
export type Reason = 'no_data' | 'feed_stopped' | 'feed_silent' | 'run_late' | 'content_still' | 'content_late' | 'as_usual'

export interface Verdict {
  level: Level
  reason: Reason
  // What the reason measures: active time without a file or a run, or the lag of the content.
  ms: number
}

export const LIMITS = {
  feed: { warn: 3 * HOUR, error: 6 * HOUR, stopped: 14 * HOUR },
  run: { warn: HOUR, error: 2 * HOUR },
  content: { warn: 60 * HOUR, error: 72 * HOUR },
} as const

export function judge(clocks: DatasetClocks, now: number): Verdict {
  if (clocks.fileTs === null) return { level: 'error', reason: 'no_data', ms: 0 }
  const feed = activeTime(clocks.fileTs, now)
  const run = clocks.runAt === null ? 0 : activeTime(clocks.runAt, now)
  const content = clocks.contentAsOf === null ? 0 : clocks.fileTs - clocks.contentAsOf
  const { feed: f, run: r, content: c } = LIMITS
  const found: Verdict[] = []
  if (feed >= f.stopped) found.push({ level: 'error', reason: 'feed_stopped', ms: feed })
  else if (feed >= f.warn) found.push({ level: feed >= f.error ? 'error' : 'warn', reason: 'feed_silent', ms: feed })
  if (run >= r.warn) found.push({ level: run >= r.error ? 'error' : 'warn', reason: 'run_late', ms: run })
  if (content >= c.error) found.push({ level: 'error', reason: 'content_still', ms: content })
  else if (content >= c.warn) found.push({ level: 'warn', reason: 'content_late', ms: content })
  // The worst wins; of equals the first, because a silent feed explains a late run and not the other way round.
  return (
    found.find((one) => one.level === 'error') ?? found[0] ?? { level: 'ok', reason: 'as_usual', ms: content }
  )
}

export function clocksOf(value: unknown): DatasetClocks {
  const record = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  const at = (name: string): number | null => {
    const parsed = typeof record[name] === 'string' ? Date.parse(record[name]) : NaN
    return Number.isNaN(parsed) ? null : parsed
  }
  return { runAt: at('run_at'), fileTs: at('file_ts'), contentAsOf: at('content_as_of') }
}
