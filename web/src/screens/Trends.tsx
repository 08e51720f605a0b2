// Screen 3: how the backlog came to be what it is, and how each day of it is known.
import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { json } from '../api'
import { useWords, type MessageKey } from '../i18n'
import { DAY, dateOf, startOfDate } from '../model/time'
import { Chart, type Line } from '../ui/Chart'
import { useShared } from '../ui/state'
import { Failed, Loading } from '../ui/States'
import { type Metrics, useDashboard, useSpan } from './data'
import { NotCovered, WindowPicker } from './WindowPicker'

export interface BacklogDay {
  day: string
  open: number | null
  method: 'observed' | 'replayed' | 'reconstructed' | 'missing'
  created: number | null
  closed: number | null
  reopened: number | null
}

const METHODS = { observed: 'line', replayed: 'thin', reconstructed: 'dashed' } as const
const BACK_DAYS = 60

export default function Trends() {
  const { t } = useWords()
  const dashboard = useDashboard(useSpan())
  return (
    <>
      <header><h1>{t('screen.trends')}</h1><WindowPicker /></header>
      {dashboard.data !== undefined && <NotCovered coverage={dashboard.data.window.coverage} />}
      {dashboard.data !== undefined && dashboard.data.window.coverage !== 'none' && <Cards metrics={dashboard.data.metrics} />}
      <Backlog />
      {dashboard.error !== null && <div className="panel"><Failed error={dashboard.error} since={dashboard.errorUpdatedAt} retry={() => void dashboard.refetch()} /></div>}
      {dashboard.isPending && <div className="panel"><Loading rows={4} /></div>}
      {dashboard.data !== undefined && <Ageing ageing={dashboard.data.metrics.ageing} />}
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

function Backlog() {
  const { view, live, now } = useShared()
  const { t } = useWords()
  const dataset = view.filter.dataset ?? 'inc'
  const from = dateOf(now - BACK_DAYS * DAY)
  const { data, error, errorUpdatedAt, refetch, isPending } = useQuery({
    queryKey: ['backlog', dataset, from, live.rev],
    queryFn: ({ signal }) => json<{ days: BacklogDay[], freshness: { content_as_of: string | null } }>(`/api/backlog?dataset=${dataset}&from=${from}`, { signal }),
  })
  // What flowed after the data ends is not nothing: nobody knows it yet.
  const list = useMemo(() => {
    const ends = data?.freshness.content_as_of ?? null
    const last = ends === null ? '' : dateOf(Date.parse(ends))
    return (data?.days ?? []).map((day) => (day.day > last ? { ...day, created: null, closed: null, reopened: null } : day))
  }, [data])
  const days = useMemo(() => list.map(({ day }) => startOfDate(day)), [list])
  const missing = useMemo(() => list.map(({ method }) => method === 'missing'), [list])
  const stock = useMemo(() => (Object.keys(METHODS) as (keyof typeof METHODS)[])
    .map((method): Line => ({
      name: t(`trends.${method}`), colour: '--accent', kind: METHODS[method],
      // A line begins where the one before it ends, so that no gap says more than it means.
      values: list.map((day, i) => (day.method === method || (list[i + 1]?.method === method && day.method !== 'missing') ? day.open : null)),
    }))
    .filter(({ values }) => values.some((value) => value !== null)), [list, t])
  const flow = useMemo(() => ([['created', '--unknown', 'bars'], ['closed', '--on-track', 'bars'], ['reopened', '--at-risk', 'line']] as const)
    .map(([name, colour, kind]): Line => ({ name: t(`trends.${name}`), colour, kind, values: list.map((day) => day[name]) })), [list, t])
  const uncovered = useMemo(() => list.map(({ created, closed }) => created === null && closed === null), [list])

  if (error) return <div className="panel"><Failed error={error} since={errorUpdatedAt} retry={() => void refetch()} /></div>
  if (isPending) return <div className="panel"><Loading rows={4} /></div>
  return (
    <>
      <section className="panel">
        <header>
          <h2>{t('trends.backlog')} · {dataset.toUpperCase()}</h2>
          {(['observed', 'replayed', 'reconstructed', 'missing'] as const).map((method) => <Key key={method} method={method} />)}
        </header>
        <Chart label={t('trends.backlog')} days={days} lines={stock} missing={missing} />
      </section>
      <section className="panel">
        <header>
          <h2>{t('trends.flow')}</h2>
          {flow.map(({ name, colour }) => <span className="key" key={name}><svg viewBox="0 0 22 10" aria-hidden="true"><rect width="10" height="10" x="6" fill={`var(${colour})`} /></svg>{name}</span>)}
        </header>
        <Chart label={t('trends.flow')} days={days} lines={flow} missing={uncovered} />
      </section>
    </>
  )
}

function Key({ method }: { method: BacklogDay['method'] }) {
  const { t } = useWords()
  return (
    <span className="key">
      <svg viewBox="0 0 22 10" aria-hidden="true">
        {method === 'missing'
          ? <path d="M2 10 12 0M8 10 18 0M14 10 22 2" stroke="var(--line)" strokeWidth="1.5" />
          : <path d="M0 5h22" stroke="var(--accent)" strokeWidth={method === 'replayed' ? 1 : 2} strokeDasharray={method === 'reconstructed' ? '5 4' : undefined} />}
      </svg>
      {t(`trends.${method}` as MessageKey)}
    </span>
  )
}

function Ageing({ ageing }: { ageing: Record<string, number> }) {
  const { t, number } = useWords()
  const entries = Object.entries(ageing)
  const most = Math.max(1, ...entries.map(([, n]) => n))
  return (
    <section className="panel">
      <header><h2>{t('trends.ageing')}</h2></header>
      <table>
        <tbody>
          {entries.map(([name, n]) => (
            <tr key={name}>
              <th scope="row" style={{ width: 110 }}>{name === 'unknown' ? t('sla.unknown') : name.replace('-', '–').replace('h', ' h')}</th>
              <td className="number" style={{ width: 70 }}>{number(n)}</td>
              <td>
                <svg width="100%" height="12" aria-hidden="true">
                  <rect height="12" rx="2" width={`${(n / most) * 100}%`} fill={name === 'unknown' ? 'var(--unknown)' : overdue(name) ? 'var(--breached)' : name.startsWith('36') ? 'var(--at-risk)' : 'var(--on-track)'} />
                </svg>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

// Beyond the usual 48 hours; the state itself belongs to each ticket's own policy.
function overdue(name: string): boolean {
  return Number.parseInt(name, 10) >= 48
}
