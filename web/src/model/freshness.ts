// How old the data is, in the words of the four clocks, and whether that is as usual. The limits are the database's own.
import { type ActiveHours, activeTime, HOUR } from './time'

export interface DatasetClocks {
  runAt: number | null
  fileTs: number | null
  contentAsOf: number | null
}

// What is wrong with the newest files, as the database tells it.
export const ALARMS = [
  'export_truncated', 'late_files', 'file_from_future', 'files_quarantined', 'files_failed', 'rows_rejected', 'rows_outside_range',
] as const
export type Alarm = (typeof ALARMS)[number]

export interface Rules {
  active: ActiveHours
  feed: { warn: number; error: number; stopped: number }
  run: { warn: number; error: number }
  content: { warn: number; error: number }
  // The newest sign of life of the feed beside the files that were read.
  heardAt: number | null
  lastAttemptFailed: boolean
  alarms: readonly Alarm[]
}

export type Level = 'ok' | 'warn' | 'error'
export type Reason = 'no_data' | 'feed_stopped' | 'feed_silent' | 'run_late' | 'run_failed' | 'content_still' | 'content_late' | 'as_usual' | Alarm

export interface Verdict {
  level: Level
  reason: Reason
  // What the reason measures: active time without a file or a run, or the lag of the content.
  ms: number
}

// Until the server has told its own: the limits of a new installation.
export const USUAL: Rules = {
  active: { from: 6 * HOUR, until: 20 * HOUR },
  feed: { warn: 3 * HOUR, error: 6 * HOUR, stopped: 14 * HOUR },
  run: { warn: HOUR, error: 2 * HOUR },
  content: { warn: 60 * HOUR, error: 72 * HOUR },
  heardAt: null,
  lastAttemptFailed: false,
  alarms: [],
}

export function judge(clocks: DatasetClocks, rules: Rules, now: number): Verdict {
  if (clocks.fileTs === null) return { level: 'error', reason: 'no_data', ms: 0 }
  const { feed: f, run: r, content: c, active } = rules
  const feed = activeTime(Math.max(clocks.fileTs, rules.heardAt ?? 0), now, active)
  const run = clocks.runAt === null ? 0 : activeTime(clocks.runAt, now, active)
  const content = clocks.contentAsOf === null ? 0 : clocks.fileTs - clocks.contentAsOf
  const found: Verdict[] = []
  if (feed >= f.stopped) found.push({ level: 'error', reason: 'feed_stopped', ms: feed })
  else if (feed >= f.warn) found.push({ level: feed >= f.error ? 'error' : 'warn', reason: 'feed_silent', ms: feed })
  if (run >= r.warn) found.push({ level: run >= r.error ? 'error' : 'warn', reason: 'run_late', ms: run })
  if (content >= c.error) found.push({ level: 'error', reason: 'content_still', ms: content })
  else if (content >= c.warn) found.push({ level: 'warn', reason: 'content_late', ms: content })
  if (rules.lastAttemptFailed) found.push({ level: 'warn', reason: 'run_failed', ms: 0 })
  found.push(...rules.alarms.map((reason): Verdict => ({ level: 'warn', reason, ms: 0 })))
  // The worst wins; of equals the first, because a silent feed explains a late run and not the other way round.
  return (
    found.find((one) => one.level === 'error') ?? found[0] ?? { level: 'ok', reason: 'as_usual', ms: content }
  )
}

export function clocksOf(value: unknown): DatasetClocks {
  const record = recordOf(value)
  return { runAt: instantOf(record.run_at), fileTs: instantOf(record.file_ts), contentAsOf: instantOf(record.content_as_of) }
}

export function rulesOf(value: unknown): Rules {
  const told = recordOf(value)
  const limits = recordOf(told.limits)
  const of = (name: string, unit: number, usual: number): number => (typeof limits[name] === 'number' ? limits[name] * unit : usual)
  const { active, feed, run, content } = USUAL
  return {
    active: { from: of('active_from_h', HOUR, active.from), until: of('active_until_h', HOUR, active.until) },
    feed: { warn: of('feed_warn_h', HOUR, feed.warn), error: of('feed_error_h', HOUR, feed.error), stopped: of('feed_stopped_h', HOUR, feed.stopped) },
    run: { warn: of('run_warn_min', HOUR / 60, run.warn), error: of('run_error_min', HOUR / 60, run.error) },
    content: { warn: of('content_warn_h', HOUR, content.warn), error: of('content_error_h', HOUR, content.error) },
    heardAt: instantOf(told.heard_at),
    lastAttemptFailed: told.last_attempt_failed === true,
    alarms: (Array.isArray(told.alarms) ? told.alarms : []).flatMap((alarm) => {
      const known = ALARMS.find((cause) => cause === recordOf(alarm).cause)
      return known === undefined ? [] : [known]
    }),
  }
}

// The rules for an instant of the past: its limits, without the alarms of today.
export function rulesThen(rules: Rules): Rules {
  return { ...rules, heardAt: null, lastAttemptFailed: false, alarms: [] }
}

function recordOf(value: unknown): Record<string, unknown> {
  return (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
}

function instantOf(value: unknown): number | null {
  const parsed = typeof value === 'string' ? Date.parse(value) : NaN
  return Number.isNaN(parsed) ? null : parsed
}
