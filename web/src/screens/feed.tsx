// The files of a feed over some days: a tick each, so that a silence is seen, and how far their content lagged behind.
import { useMemo } from 'react'
import { useWords } from '../i18n'
import { DAY, HOUR } from '../model/time'
import { Chart, type Line } from '../ui/Chart'

export interface FeedFile {
  file_id: number
  key: string
  exported_at: string
  state: string
  reason: string | null
  rows: number
  rejected: number
  is_late: boolean
  is_truncated: boolean
  silent_h: number | null
  content_lag_s: number | null
  waited_s: number | null
}

export interface FeedFiles {
  silent_h: number | null
  limits: Record<string, number>
  files: FeedFile[]
}

export interface FeedDay {
  start: number
  files: FeedFile[]
  // Silences longer than the warning limit, in this day: from and until which hour.
  gaps: { from: number; until: number }[]
}

// The files by day, and the silences longer than the limit where they fall into active hours; a night is none.
export function daysOf(feed: FeedFiles, starts: readonly number[], now: number): FeedDay[] {
  const limit_h = feed.limits.feed_warn_h ?? 3
  const active = { from: (feed.limits.active_from_h ?? 6) * HOUR, until: (feed.limits.active_until_h ?? 20) * HOUR }
  const times = feed.files.map(({ exported_at }) => Date.parse(exported_at))
  const first = starts[0] ?? now
  const silences = feed.files.flatMap(({ silent_h }, i) => ((silent_h ?? 0) >= limit_h ? [[times[i - 1] ?? first, times[i] ?? now] as const] : []))
  if ((feed.silent_h ?? 0) >= limit_h || feed.files.length === 0) silences.push([times.at(-1) ?? first, now])
  return starts.map((start) => ({
    start,
    files: feed.files.filter((_, i) => (times[i] ?? 0) >= start && (times[i] ?? 0) < start + DAY),
    gaps: silences.flatMap(([begin, end]) => {
      const from = Math.max(begin, start + active.from)
      const until = Math.min(end, start + active.until)
      return until > from ? [{ from: (from - start) / HOUR, until: (until - start) / HOUR }] : []
    }),
  }))
}

export function colourOf(file: FeedFile): string {
  if (file.state === 'quarantined' || file.state === 'failed') return 'var(--breached)'
  return file.is_late || file.is_truncated || file.rejected > 0 ? 'var(--at-risk)' : 'var(--accent)'
}

export function FileStrip({ feed, days, now }: { feed: FeedFiles; days: readonly number[]; now: number }) {
  const { t, day } = useWords()
  const strip = useMemo(() => daysOf(feed, days, now).reverse(), [feed, days, now])
  const from = feed.limits.active_from_h ?? 6
  const until = feed.limits.active_until_h ?? 20
  return (
    <>
      <div className="strip">
        {strip.map(({ start, files, gaps }) => {
          const bad = files.filter(({ state }) => state !== 'applied').length
          const words = [
            files.length === 0 ? t('runs.gap', { day: day(start) }) : t('runs.strip', { n: files.length, day: day(start) }),
            ...(bad > 0 ? [t('runs.strip.bad', { n: bad })] : []),
            ...gaps.map((gap) => t('runs.silence', { from: hour(gap.from), until: hour(gap.until) })),
          ].join(' · ')
          return (
            <div className="day" key={start} data-files={files.length} data-gaps={gaps.length}>
              <span>{day(start)}</span>
              <svg viewBox="0 0 240 14" preserveAspectRatio="none" role="img" aria-label={words}>
                <title>{words}</title>
                <rect x={from * 10} width={(until - from) * 10} height="14" fill="var(--accent-soft)" />
                {gaps.map((gap) => <rect key={gap.from} className="gap" x={gap.from * 10} width={(gap.until - gap.from) * 10} height="14" fill="var(--error-paper)" stroke="var(--breached)" strokeWidth="0.4" />)}
                {files.map((file) => (
                  <rect key={file.file_id} className="tick" x={((Date.parse(file.exported_at) - start) / HOUR) * 10} y={file.state === 'applied' ? 2 : 0} width="0.9" height={file.state === 'applied' ? 10 : 14} fill={colourOf(file)} />
                ))}
              </svg>
              <span className="number">{files.length}</span>
            </div>
          )
        })}
      </div>
      <p className="keys">
        <span className="key"><Mark fill="var(--accent)" />{t('runs.key.file')}</span>
        <span className="key"><Mark fill="var(--at-risk)" />{t('runs.key.odd')}</span>
        <span className="key"><Mark fill="var(--breached)" />{t('runs.key.bad')}</span>
        <span className="key"><svg viewBox="0 0 22 10" aria-hidden="true"><rect width="20" height="9" x="1" fill="var(--error-paper)" stroke="var(--breached)" /></svg>{t('runs.key.gap', { h: feed.limits.feed_warn_h ?? 3 })}</span>
        <span className="key"><svg viewBox="0 0 22 10" aria-hidden="true"><rect width="22" height="10" fill="var(--accent-soft)" /></svg>{t('runs.key.active', { from: hour(from), until: hour(until) })}</span>
      </p>
    </>
  )
}

function Mark({ fill }: { fill: string }) {
  return <svg viewBox="0 0 22 10" aria-hidden="true"><rect width="3" height="10" x="9" fill={fill} /></svg>
}

function hour(h: number): string {
  return `${String(Math.floor(h)).padStart(2, '0')}:${String(Math.floor((h % 1) * 60)).padStart(2, '0')}`
}

// The worst of each day: how old the content was under its file, and how long a file waited to be read.
export function LagChart({ feed, days }: { feed: FeedFiles; days: number[] }) {
  const { t } = useWords()
  const { lines, missing } = useMemo(() => {
    const worst = (name: 'content_lag_s' | 'waited_s', unit: number): (number | null)[] => days.map((start) => {
      const values = feed.files.flatMap((file) => {
        const at = Date.parse(file.exported_at)
        return at >= start && at < start + DAY && file[name] !== null ? [file[name] / unit] : []
      })
      return values.length === 0 ? null : Math.max(...values)
    })
    const content = worst('content_lag_s', 3600)
    const level = (name: string): (number | null)[] => days.map(() => feed.limits[name] ?? null)
    const all: Line[] = [
      { name: t('runs.lag.content'), colour: '--accent', kind: 'line', values: content },
      { name: t('runs.lag.warn'), colour: '--at-risk', kind: 'dashed', values: level('content_warn_h') },
      { name: t('runs.lag.error'), colour: '--breached', kind: 'dashed', values: level('content_error_h') },
      { name: t('runs.lag.waited'), colour: '--soft', kind: 'told', values: worst('waited_s', 60) },
    ]
    return { lines: all, missing: content.map((value) => value === null) }
  }, [feed, days, t])
  return <Chart label={t('runs.lag')} days={days} lines={lines} missing={missing} unit=" h" digits={1} height={150} />
}
