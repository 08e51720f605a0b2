// Screen 7: whether files come and are read: each file, its lag, each run, and what the next run would find.
import { keepPreviousData, useQueries, useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { json } from '../api'
import { useWords } from '../i18n'
import type { Dataset } from '../model/ticket'
import { dateOf, DAY, dayStart, HOUR, startOfDate } from '../model/time'
import { headline, useShared } from '../ui/state'
import { Empty, Failed, FirstRun, Loading } from '../ui/States'
import { FileStrip, LagChart } from './feed'
import type { FeedFiles } from './feed'

interface Run {
  run_id: number
  dataset: string
  command: string
  started_at: string
  finished_at: string | null
  state: string
  exit_code: number | null
  error: string | null
  counts: { files?: Record<string, number>; rows?: Record<string, number> } | null
  closures: number
  reopens: number
}

interface Next {
  known: boolean
  reason: string | null
  datasets: Record<string, {
    reads: number
    about_rows: number | null
    quarantines: number
    leaves_alone: number
    archives: number
    running_since: string | null
    files: { key: string; problem: string | null }[]
  }>
}

const STRIP_DAYS = 14

export default function Runs() {
  const { view, live } = useShared()
  const { t } = useWords()
  const datasets: readonly Dataset[] = view.filter.dataset === null ? ['inc', 'crq'] : [view.filter.dataset]
  const nothing = live.tickets !== undefined && datasets.every((name) => live.freshness[name].fileTs === null)
  return (
    <>
      <header><h1>{t('screen.runs')}</h1></header>
      {nothing && <div className="panel"><FirstRun /></div>}
      <NextRun datasets={datasets} />
      <Feeds datasets={datasets} />
      <RunList />
    </>
  )
}

// The files of the last days, asked for each dataset; the strip and the lag are drawn from the same answer.
function Feeds({ datasets }: { datasets: readonly Dataset[] }) {
  const shared = useShared()
  const { live, now, freshness } = shared
  const { t, duration, time } = useWords()
  const from = dateOf(dayStart(now) - (STRIP_DAYS - 1) * DAY)
  const found = useQueries({
    queries: datasets.map((dataset) => ({
      queryKey: ['files', dataset, from, live.rev, freshness[dataset].fileTs],
      placeholderData: keepPreviousData,
      queryFn: ({ signal }: { signal: AbortSignal }) => json<FeedFiles>(`/api/files?dataset=${dataset}&from=${from}`, { signal }),
    })),
  })
  const days = useMemo(() => Array.from({ length: STRIP_DAYS }, (_, i) => startOfDate(from) + i * DAY), [from])
  return datasets.map((dataset, i) => {
    const { data, error, errorUpdatedAt, refetch } = found[i] ?? {}
    const { fileTs, contentAsOf, runAt } = freshness[dataset]
    const { verdict } = headline(shared, dataset)
    return (
      <section className="panel" key={dataset} data-feed={dataset}>
        <header>
          <h2>{t(`dataset.${dataset}`)}</h2>
          <span className="verdict" data-level={verdict.level}><span className="dot" aria-hidden="true" />{t(`fresh.${verdict.reason}`, { age: duration(verdict.ms) })}</span>
        </header>
        <p className="soft">
          {t('clock.file', { time: time(fileTs, now) })} · {t('clock.run', { time: time(runAt, now) })}
          {fileTs !== null && contentAsOf !== null && ` · ${t('runs.lag.now', { age: duration(fileTs - contentAsOf) })}`}
        </p>
        {error != null && <Failed error={error} since={errorUpdatedAt ?? 0} retry={() => void refetch?.()} />}
        {data === undefined && error == null && <Loading rows={3} />}
        {data !== undefined && (
          <>
            <h3>{t('runs.files.14')}</h3>
            <FileStrip feed={data} days={days} now={now} />
            <h3>{t('runs.lag')}</h3>
            <LagChart feed={data} days={days} />
          </>
        )}
      </section>
    )
  })
}

function NextRun({ datasets }: { datasets: readonly Dataset[] }) {
  const { live } = useShared()
  const { t, number, time } = useWords()
  const { data, error, errorUpdatedAt, refetch, isFetching } = useQuery({
    queryKey: ['next', live.rev],
    placeholderData: keepPreviousData,
    refetchInterval: 60_000,
    queryFn: ({ signal }) => json<Next>('/api/runs/next', { signal }),
  })
  return (
    <section className="panel" data-part="next">
      <header>
        <h2>{t('runs.next')}</h2>
        <button className="button plain" disabled={isFetching} onClick={() => void refetch()}>{t('runs.look')}</button>
      </header>
      {error !== null && <Failed error={error} since={errorUpdatedAt} retry={() => void refetch()} />}
      {data === undefined && error === null && <Loading rows={1} />}
      {data !== undefined && !data.known && <p>{t('runs.next.unknown')} <span className="soft">{data.reason}</span></p>}
      {data !== undefined && data.known && (
        <ul className="next">
          {datasets.map((dataset) => {
            const next = data.datasets[dataset]
            if (next === undefined) return null
            const more = [
              next.quarantines > 0 && t('runs.next.aside', { n: next.quarantines }),
              next.leaves_alone > 0 && t('runs.next.alone', { n: next.leaves_alone }),
              next.archives > 0 && t('runs.next.archive', { n: next.archives }),
              next.running_since !== null && t('runs.next.running', { time: time(Date.parse(next.running_since)) }),
            ].filter((one) => one !== false)
            return (
              <li key={dataset}>
                <strong>{dataset.toUpperCase()}</strong>{' '}
                {next.reads === 0 ? t('runs.next.nothing') : t('runs.next.reads', { n: next.reads })}
                {next.reads > 0 && next.about_rows !== null && ` ${t('runs.next.about', { rows: number(next.about_rows) })}`}
                {more.map((word) => <span key={word}> · {word}</span>)}
                {next.files.length > 0 && <div className="sample">{next.files.slice(0, 5).map(({ key, problem }) => <span key={key}>{key.split('/').at(-1)}{problem === null ? '' : ` (${problem})`}</span>)}</div>}
              </li>
            )
          })}
        </ul>
      )}
      <p className="soft">{t('runs.next.limits')} <code>fleettickets ingest all</code></p>
    </section>
  )
}

const ROWS = ['new', 'changed', 'same', 'quarantined'] as const
const NAMES = { new: 'new', changed: 'changed', same: 'unchanged', quarantined: 'rejected' } as const

function RunList() {
  const { view, live, now } = useShared()
  const { t, time, number } = useWords()
  const [before, setBefore] = useState<number | null>(null)
  const [idle, setIdle] = useState(false)
  const { dataset } = view.filter
  const { data, error, errorUpdatedAt, refetch, isPending } = useQuery({
    queryKey: ['runs', dataset, before, live.rev, live.freshness.inc.runAt, live.freshness.crq.runAt],
    refetchInterval: 30_000,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => {
      const query = new URLSearchParams({ limit: '100' })
      if (dataset !== null) query.set('dataset', dataset)
      if (before !== null) query.set('before', String(before))
      return json<{ runs: Run[]; next_before: number | null }>(`/api/runs?${query.toString()}`, { signal })
    },
  })
  if (error !== null) return <div className="panel"><Failed error={error} since={errorUpdatedAt} retry={() => void refetch()} /></div>
  if (isPending) return <div className="panel"><Loading /></div>
  const busy = data.runs.filter((run) => idle || !foundNothing(run))
  if (data.runs.length === 0) return <div className="panel"><Empty text={t('runs.none')} /></div>
  return (
    <section className="panel" data-part="runs">
      <header>
        <h2>{t('runs.list')}</h2>
        <label className="soft"><input type="checkbox" checked={idle} onChange={(event) => { setIdle(event.target.checked) }} /> {t('runs.idle', { n: data.runs.length - data.runs.filter((run) => !foundNothing(run)).length })}</label>
      </header>
      <div className="scroll" tabIndex={0} role="group" aria-label={t('runs.list')}>
        <table>
          <thead>
            <tr>
              <th>{t('runs.start')}</th><th>{t('filter.dataset')}</th><th className="number">{t('runs.duration')}</th><th className="number">{t('runs.files')}</th><th className="number">{t('runs.in')}</th>
              {ROWS.map((name) => <th key={name} className="number">{t(`runs.${name}`)}</th>)}
              <th className="number">{t('runs.closures')}</th><th className="number">{t('runs.reopens')}</th><th>{t('runs.result')}</th>
            </tr>
          </thead>
          <tbody>
            {busy.map((run) => (
              <tr key={run.run_id} data-run={run.run_id}>
                <td>{time(Date.parse(run.started_at), now)}</td>
                <td>{run.dataset.toUpperCase()} <span className="soft">{run.command}</span></td>
                <td className="number"><Took run={run} /></td>
                <td className="number">{number(sum(run.counts?.files))}</td>
                <td className="number">{number(run.counts?.rows?.read ?? 0)}</td>
                {ROWS.map((name) => <td key={name} className="number">{number(run.counts?.rows?.[NAMES[name]] ?? 0)}</td>)}
                <td className="number">{number(run.closures)}</td>
                <td className="number">{number(run.reopens)}</td>
                <td className={run.state === 'failed' ? 'bad' : ''}><Result run={run} now={now} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {before !== null && <button className="button" onClick={() => { setBefore(null) }}>{t('runs.newest')}</button>}
      {data.next_before !== null && <button className="button" onClick={() => { setBefore(data.next_before) }}>{t('runs.more')}</button>}
    </section>
  )
}

// Done without a file, a row or a move: cron looked and there was nothing.
function foundNothing({ state, counts }: Run): boolean {
  return state === 'done' && sum(counts?.files) === 0 && (counts?.rows?.read ?? 0) === 0
}

function sum(counts: Record<string, number> | undefined): number {
  return Object.values(counts ?? {}).reduce((a, b) => a + b, 0)
}

function Took({ run }: { run: Run }) {
  const { duration, number } = useWords()
  if (run.finished_at === null) return null
  const ms = Date.parse(run.finished_at) - Date.parse(run.started_at)
  return ms < 60_000 ? `${number(ms / 1000, 1)} s` : duration(ms)
}

function Result({ run, now }: { run: Run; now: number }) {
  const { t } = useWords()
  if (run.state === 'failed') return `${t('runs.failed', { code: run.exit_code ?? 1 })} ${run.error ?? ''}`
  if (run.finished_at === null) return now - Date.parse(run.started_at) > HOUR ? t('runs.lost') : t('runs.running')
  return run.exit_code === 3 ? t('runs.gate') : t('runs.ok')
}
