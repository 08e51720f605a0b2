// Screen 7: one line a run, and when nothing ran.
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { json } from '../api'
import { useWords } from '../i18n'
import { dateOf, DAY, dayStart, startOfDate } from '../model/time'
import { headline, useShared } from '../ui/state'
import { Empty, Failed, Loading } from '../ui/States'

interface Run {
  run_id: number
  dataset: string
  command: string
  started_at: string
  finished_at: string | null
  state: string
  exit_code: number | null
  error: string | null
  counts: { files?: Record<string, number>; rows?: Record<string, number>; history?: Record<string, number> } | null
}

const STRIP_DAYS = 14

export default function Runs() {
  const { view, live, now } = useShared()
  const { t, time, number, duration } = useWords()
  const [before, setBefore] = useState<number | null>(null)
  const { dataset } = view.filter
  const { data, error, errorUpdatedAt, refetch, isPending } = useQuery({
    queryKey: ['runs', dataset, before, live.rev],
    refetchInterval: 30_000,
    queryFn: ({ signal }) => {
      const query = new URLSearchParams({ limit: '100' })
      if (dataset !== null) query.set('dataset', dataset)
      if (before !== null) query.set('before', String(before))
      return json<{ runs: Run[]; next_before: number | null }>(`/api/runs?${query.toString()}`, { signal })
    },
  })
  const runs = data?.runs ?? []
  const sum = (counts: Record<string, number> | undefined): number => Object.values(counts ?? {}).reduce((a, b) => a + b, 0)
  return (
    <>
      <header><h1>{t('screen.runs')}</h1><p className="soft">{t('runs.next')}</p></header>
      <Lag />
      {error !== null && <div className="panel"><Failed error={error} since={errorUpdatedAt} retry={() => void refetch()} /></div>}
      {isPending && <div className="panel"><Loading /></div>}
      {data !== undefined && runs.length === 0 && <div className="panel"><Empty text={t('runs.none')} /></div>}
      {runs.length > 0 && (
        <>
          <section className="panel"><header><h2>{t('runs.feed')}</h2></header><Strip runs={runs} /></section>
          <section className="panel">
            <div className="scroll" tabIndex={0} role="group">
              <table>
                <thead>
                  <tr>
                    <th>{t('runs.start')}</th><th>{t('filter.dataset')}</th><th className="number">{t('runs.duration')}</th><th className="number">{t('runs.files')}</th><th className="number">{t('runs.in')}</th>
                    {(['new', 'changed', 'same', 'quarantined'] as const).map((name) => <th key={name} className="number">{t(`runs.${name}`)}</th>)}
                    <th>{t('runs.result')}</th>
                  </tr>
                </thead>
                <tbody>
                  {runs.map((run) => {
                    const rows = run.counts?.rows
                    return (
                      <tr key={run.run_id}>
                        <td>{time(Date.parse(run.started_at), now)}</td>
                        <td>{run.dataset.toUpperCase()}</td>
                        <td className="number">{run.finished_at === null ? '' : seconds(Date.parse(run.finished_at) - Date.parse(run.started_at), duration)}</td>
                        <td className="number">{number(sum(run.counts?.files))}</td>
                        <td className="number">{number(rows?.read ?? 0)}</td>
                        <td className="number">{number(rows?.new ?? 0)}</td>
                        <td className="number">{number(rows?.changed ?? 0)}</td>
                        <td className="number">{number(rows?.unchanged ?? 0)}</td>
                        <td className="number">{number((rows?.rejected ?? 0))}</td>
                        <td className={run.state === 'failed' ? 'bad' : ''}>{run.state === 'done' ? t('runs.ok') : run.state === 'failed' ? `${t('runs.failed', { code: run.exit_code ?? 1 })} ${run.error ?? ''}` : run.finished_at === null ? t('runs.running') : run.state}</td>
                      </tr>
                    )
                  })}
                </tbody>
              </table>
            </div>
            {data?.next_before != null && <button className="button" onClick={() => { setBefore(data.next_before) }}>{t('runs.more')}</button>}
          </section>
        </>
      )}
    </>
  )
}

function seconds(ms: number, duration: (ms: number) => string): string {
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : duration(ms)
}

function Lag() {
  const shared = useShared()
  const { freshness, now } = shared
  const { t, duration, time } = useWords()
  return (
    <div className="grid2">
      {(['inc', 'crq'] as const).map((dataset) => {
        const { fileTs, contentAsOf, runAt } = freshness[dataset]
        const { verdict } = headline(shared, dataset)
        return (
          <section className="panel" key={dataset}>
            <header><h2>{t(`dataset.${dataset}`)}</h2><span className={verdict.level === 'ok' ? 'soft' : 'bad'}>{t(`fresh.${verdict.reason}`, { age: duration(verdict.ms) })}</span></header>
            <dl className="facts">
              <dt>{t('runs.lag')}</dt><dd>{fileTs === null || contentAsOf === null ? '–' : duration(fileTs - contentAsOf)}</dd>
              <dt>{t('clock.file', { time: '' })}</dt><dd>{time(fileTs, now)}</dd>
              <dt>{t('clock.run', { time: '' })}</dt><dd>{time(runAt, now)}</dd>
            </dl>
          </section>
        )
      })}
    </div>
  )
}

// A tick a run, a line a day: a gap is seen, and the active hours are shaded.
function Strip({ runs }: { runs: Run[] }) {
  const { now } = useShared()
  const { t, day } = useWords()
  const days = Array.from({ length: STRIP_DAYS }, (_, i) => dateOf(dayStart(now) - i * DAY))
  return (
    <div className="strip">
      {days.map((date) => {
        const start = startOfDate(date)
        const inDay = runs.filter(({ started_at }) => dateOf(Date.parse(started_at)) === date)
        const words = inDay.length === 0 ? t('runs.gap', { day: day(start) }) : t('runs.strip', { n: inDay.length, day: day(start) })
        return (
          <div className="day" key={date}>
            <span>{day(start)}</span>
            <svg viewBox="0 0 288 14" preserveAspectRatio="none" role="img" aria-label={words}>
              <rect x="72" width="168" height="14" fill="var(--accent-soft)" />
              {inDay.map((run) => <rect key={run.run_id} x={((Date.parse(run.started_at) - start) / DAY) * 288} width="1.2" height="14" fill={run.state === 'failed' ? 'var(--breached)' : 'var(--accent)'} />)}
            </svg>
          </div>
        )
      })}
    </div>
  )
}
