// Screen 3: how the backlog came to be what it is, and how each day of it is known.
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { json } from '../api'
import { useWords, type MessageKey } from '../i18n'
import { DAY, dateOf, startOfDate } from '../model/time'
import { Chart, type Line } from '../ui/Chart'
import { useShared } from '../ui/state'
import { Failed, Loading } from '../ui/States'
import { BANDS, type BacklogDay, METHODS, seriesOf, type TrendDay } from './trends'
import { type Metrics, useDashboard, useSpan } from './data'
import { FilterNote, NotCovered, WindowPicker } from './WindowPicker'

const BACK_DAYS = 60

export default function Trends() {
  const { view } = useShared()
  const { t } = useWords()
  const dataset = view.filter.dataset ?? 'inc'
  const dashboard = useDashboard(useSpan(), dataset === 'inc')
  return (
    <>
      <header><h1>{t('screen.trends')} · {dataset.toUpperCase()}</h1><WindowPicker /></header>
      <FilterNote names={['cluster', 'status']} />
      {dashboard.data !== undefined && <NotCovered coverage={dashboard.data.window.coverage} />}
      {dashboard.data !== undefined && dashboard.data.window.coverage !== 'none' && <Cards metrics={dashboard.data.metrics} />}
      {dashboard.error !== null && <div className="panel"><Failed error={dashboard.error} since={dashboard.errorUpdatedAt} retry={() => void dashboard.refetch()} /></div>}
      {dashboard.isLoading && <div className="panel"><Loading rows={2} /></div>}
      <Days />
    </>
  )
}

function Cards({ metrics }: { metrics: Metrics }) {
  const { t, number, percent } = useWords()
  const { mttr, repeat, flow } = metrics
  const hours = (minutes: number | null | undefined): string => (minutes === null || minutes === undefined ? '–' : t('trends.hours', { h: number(minutes / 60, 1) }))
  const cards: [string, string, string][] = [
    [t('metric.open'), number(metrics.open), ''],
    [t('metric.closed'), metrics.closed === null ? '–' : number(metrics.closed), ''],
    [t('metric.closure_rate'), percent(metrics.closure_rate), ''],
    [t('metric.clearance'), percent(metrics.clearance), ''],
    [t('metric.mttr'), hours(mttr?.median), `${t('trends.p90')}: ${hours(mttr?.p90)} · ${t('trends.n', { n: number(mttr?.n ?? 0) })}`],
    [t('metric.repeat'), repeat === null ? '–' : number(repeat.n), repeat === null ? '' : t('trends.n', { n: number(repeat.of) })],
  ]
  return (
    <>
      <div className="cards">
        {cards.map(([name, value, more]) => <div className="card" key={name}><b>{value}</b>{name}<div className="soft">{more}</div></div>)}
      </div>
      {flow !== null && <Flow flow={flow} />}
    </>
  )
}

function Flow({ flow }: { flow: Record<string, number | null> }) {
  const { t, number } = useWords()
  const part = (name: string): string => {
    const value = flow[name]
    return value === null || value === undefined ? '?' : number(value)
  }
  return (
    <p className="panel soft">{t('metric.flow', {
      start: part('open_start'), created: part('created'), reopened: part('reopened'), closed: part('closed'),
      exits: part('exits'), unexplained: part('unexplained'), end: part('open_end'),
    })}</p>
  )
}

// The days of the charts: those before the end of the data's calendar, or the dates of one's own.
function useDays(): { from: string; to: string | null } {
  const { view, now } = useShared()
  const own = view.window === 'custom' && view.from !== null && view.to !== null && startOfDate(view.to) - startOfDate(view.from) > DAY
  return own && view.from !== null ? { from: view.from, to: view.to } : { from: dateOf(now - (BACK_DAYS - 1) * DAY), to: null }
}

function Days() {
  const { view, live } = useShared()
  const { t, day } = useWords()
  const dataset = view.filter.dataset ?? 'inc'
  const { from, to } = useDays()
  const query = `dataset=${dataset}&from=${from}${to === null ? '' : `&to=${to}`}${view.at === null ? '' : `&now=${new Date(view.at).toISOString()}`}`
  const trends = useQuery({
    queryKey: ['trends', query, live.rev],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => json<{ days: TrendDay[]; small_n: number }>(`/api/trends?${query}`, { signal }),
  })
  const backlog = useQuery({
    queryKey: ['backlog', query, live.rev],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => json<{ days: BacklogDay[] }>(`/api/backlog?${query}`, { signal }),
  })
  const made = useMemo(
    () => (trends.data && backlog.data ? seriesOf(trends.data.days, backlog.data.days, trends.data.small_n) : null),
    [trends.data, backlog.data],
  )
  const words = useMemo(() => made && {
    stock: made.stock.map(({ method, values }): Line => ({ name: t(`trends.${method}`), colour: '--accent', kind: METHODS[method], values })),
    flow: [
      { name: t('trends.created'), colour: '--created', kind: 'bars', values: made.created },
      { name: t('trends.closed'), colour: '--on-track', kind: 'bars', values: made.closed },
      { name: t('trends.reopened'), colour: '--at-risk', kind: 'line', values: made.reopened },
    ] satisfies Line[],
    mttr: [
      { name: t('trends.median'), colour: '--on-track', kind: 'line', values: made.median },
      { name: t('trends.p90'), colour: '--at-risk', kind: 'thin', values: made.p90 },
      { name: t('trends.few', { n: made.smallN }), colour: '--on-track', kind: 'points', values: made.few },
      { name: 'n', colour: '--soft', kind: 'told', values: made.n },
    ] satisfies Line[],
    ageing: BANDS.map(({ name, colour }, i): Line => ({ name: name === 'unknown' ? t('sla.unknown') : t(`age.${name}`), colour, kind: 'stack', values: made.ageing[i] ?? [] })),
  }, [made, t])

  const failed = trends.error ? trends : backlog.error ? backlog : null
  if (failed?.error) return <div className="panel"><Failed error={failed.error} since={failed.errorUpdatedAt} retry={() => void failed.refetch()} /></div>
  if (made === null || words === null) return <div className="panel"><Loading rows={4} /></div>
  const span = made.days.length === 0 ? '' : `${day(made.days[0] ?? 0)} – ${day(made.days.at(-1) ?? 0)}`
  return (
    <>
      <section className="panel" data-chart="backlog">
        <header>
          <h2>{t('trends.backlog')}</h2><span className="soft">{span}</span>
          {(['observed', 'replayed', 'reconstructed', 'missing'] as const).map((method) => <Key key={method} method={method} />)}
        </header>
        <Chart label={t('trends.backlog')} days={made.days} lines={words.stock} missing={made.noStock} />
      </section>
      <section className="panel" data-chart="flow">
        <header><h2>{t('trends.flow')}</h2>{words.flow.map((line) => <Swatch key={line.name} line={line} />)}<Key method="missing" /></header>
        <Chart label={t('trends.flow')} days={made.days} lines={words.flow} missing={made.uncovered} />
        {made.partial !== null && <p className="soft">{t('trends.until', { day: day(made.partial) })}</p>}
      </section>
      <section className="panel" data-chart="mttr">
        <header><h2>{t('trends.mttr')}</h2>{words.mttr.filter(({ kind }) => kind !== 'told').map((line) => <Swatch key={line.name} line={line} />)}<Key method="missing" /></header>
        <Chart label={t('trends.mttr')} days={made.days} lines={words.mttr} missing={made.uncovered} unit=" h" digits={1} />
      </section>
      <section className="panel" data-chart="ageing">
        <header><h2>{t('trends.ageing')}</h2>{words.ageing.map((line) => <Swatch key={line.name} line={line} />)}<Key method="missing" /></header>
        <Chart label={t('trends.ageing')} days={made.days} lines={words.ageing} missing={made.noAgeing} />
      </section>
    </>
  )
}

function Swatch({ line: { name, colour, kind } }: { line: Line }) {
  return (
    <span className="key">
      <svg viewBox="0 0 22 10" aria-hidden="true">
        {kind === 'bars' || kind === 'stack' ? <rect width="12" height="10" x="5" fill={`var(${colour})`} />
          : kind === 'points' ? <circle cx="11" cy="5" r="3.6" fill="var(--surface)" stroke={`var(${colour})`} strokeWidth="1.5" />
            : <path d="M0 5h22" stroke={`var(${colour})`} strokeWidth={kind === 'thin' ? 1 : 2} />}
      </svg>
      {name}
    </span>
  )
}

function Key({ method }: { method: BacklogDay['method'] }) {
  const { t } = useWords()
  return (
    <span className="key">
      <svg viewBox="0 0 22 10" aria-hidden="true">
        {method === 'missing'
          ? <path d="M2 10 12 0M8 10 18 0M14 10 22 2" stroke="var(--hatch)" strokeWidth="1.5" />
          : <path d="M0 5h22" stroke="var(--accent)" strokeWidth={method === 'replayed' ? 1 : 2} strokeDasharray={method === 'reconstructed' ? '5 4' : undefined} />}
      </svg>
      {t(`trends.${method}` as MessageKey)}
    </span>
  )
}
