// What the crews would notice if one plan replaced another.
import { useMemo, useState } from 'react'
import { useWords } from '../i18n'
import { useDifference } from '../live/plans'
import type { Listed, Plan } from '../model/plan'
import { Failed, Loading } from '../ui/States'

const NOTICED_S = 10 * 60

export function Differ({ plan, plans }: { plan: Plan; plans: readonly Listed[] }) {
  const words = useWords()
  const { t, time, number, distance, duration } = words
  const others = plans.filter(({ plan_id }) => plan_id !== plan.id)
  const committed = others.find(({ state }) => state === 'committed')
  const [asked, setAsked] = useState<number | null>(null)
  const before = others.find(({ plan_id }) => plan_id === asked)?.plan_id ?? committed?.plan_id ?? others[0]?.plan_id ?? null
  const { data, error, refetch } = useDifference(before, plan)
  const labels = useMemo(() => new Map(plan.routes.map(({ vehicle, label }) => [vehicle, label])), [plan])
  if (before === null) return <p className="soft note">{t('diff.none')}</p>
  const name = (vehicle: string): string => labels.get(vehicle) ?? vehicle
  const shifted = data === undefined ? [] : Object.entries(data.shifted_s).filter(([, s]) => Math.abs(s) >= NOTICED_S).sort(([, a], [, b]) => Math.abs(b) - Math.abs(a))
  const signed = (value: number, say: (n: number) => string): string => `${value > 0 ? '+' : value < 0 ? '−' : '±'}${say(Math.abs(value))}`
  return (
    <section className="differ" aria-label={t('diff.title')}>
      <label className="field">
        <span>{t('diff.from')}</span>
        <select value={before} onChange={(event) => { setAsked(Number(event.target.value)) }}>
          {others.map((one) => <option key={one.plan_id} value={one.plan_id}>{t('plan.name', { id: one.plan_id, state: t(`plan.${one.state}`), time: time(Date.parse(one.planned_for)) })}</option>)}
        </select>
      </label>
      {error ? <Failed error={error} retry={() => void refetch()} /> : data === undefined ? <Loading rows={3} /> : (
        <>
          <p data-diff={data.moved.length + data.added.length + data.removed.length}>
            {t('diff.sum', { moved: data.moved.length, added: data.added.length, removed: data.removed.length, reordered: data.reordered.length })}{' '}
            {t('diff.worth', { n: signed(data.on_time, (n) => number(n)), m: signed(data.distance_m, distance) })}
          </p>
          {data.moved.length > 0 && <Part title={t('diff.moved')} rows={data.moved.map(([ticket, from, to]) => [ticket, `${name(from)} → ${name(to)}`])} />}
          {data.added.length > 0 && <Part title={t('diff.added')} rows={data.added.map((ticket) => [ticket, ''])} />}
          {data.removed.length > 0 && <Part title={t('diff.removed')} rows={data.removed.map((ticket) => [ticket, ''])} />}
          {data.reordered.length > 0 && <Part title={t('diff.reordered')} rows={data.reordered.map((vehicle) => [name(vehicle), ''])} />}
          {shifted.length > 0 && <Part title={t('diff.shifted')} rows={shifted.map(([ticket, s]) => [ticket, t(s > 0 ? 'diff.later' : 'diff.earlier', { age: duration(Math.abs(s) * 1000) })])} />}
        </>
      )}
    </section>
  )
}

const MOST = 60

function Part({ title, rows }: { title: string; rows: [string, string][] }) {
  const { t, number } = useWords()
  return (
    <>
      <h3>{title} · {number(rows.length)}</h3>
      <ul>
        {rows.slice(0, MOST).map(([name, what]) => <li key={name}><b>{name}</b>{what === '' ? '' : ` · ${what}`}</li>)}
        {rows.length > MOST && <li className="soft">{t('plan.left.more', { n: rows.length - MOST })}</li>}
      </ul>
    </>
  )
}
