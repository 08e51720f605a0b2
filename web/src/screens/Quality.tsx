// Screen 6: what is odd in the data, one row a rule, and what could not be used at all.
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Fragment, useState } from 'react'
import { json } from '../api'
import { useWords, type MessageKey } from '../i18n'
import { en } from '../i18n/en'
import { keyOf } from '../model/ticket'
import { DAY, dateOf, startOfDate } from '../model/time'
import { useShared } from '../ui/state'
import { Empty, Failed, FirstRun, Loading } from '../ui/States'
import { saveCsv } from './csv'
import { Quarantine } from './Quarantine'

interface Sample {
  ticket_id: string
  cluster: string | null
  exported_at: string
  values: Record<string, string | null>
}

interface Rule {
  rule: string
  meaning: string
  scope: 'all' | 'open' | 'closed'
  count: number
  of: number
  share: number | null
  limit: number | null
  is_over: boolean
  sample_rows: Sample[]
  by_day: Record<string, number>
}

interface Quality {
  dataset: string
  days: number
  looked_at: { all: number; open: number; closed: number }
  rules: Rule[]
  sla_matrix: { source: string; derived: string; n: number }[]
}

export default function Quality() {
  const { view, go, live } = useShared()
  const { t, number } = useWords()
  const dataset = view.filter.dataset ?? 'inc'
  const tab = view.tab === 'quarantine' ? 'quarantine' : 'rules'
  const at = view.at === null ? '' : `&now=${new Date(view.at).toISOString()}`
  const { data, error, errorUpdatedAt, refetch, isPending } = useQuery({
    queryKey: ['quality', dataset, at, live.rev],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => json<Quality>(`/api/quality?dataset=${dataset}${at}`, { signal }),
  })
  const nothing = live.tickets !== undefined && live.freshness[dataset].fileTs === null
  return (
    <>
      <header>
        <h1>{t('screen.quality')} · {dataset.toUpperCase()}</h1>
        <div className="segments" role="group" aria-label={t('screen.quality')}>
          {(['rules', 'quarantine'] as const).map((name) => (
            <button key={name} aria-pressed={tab === name} onClick={() => { go({ tab: name === 'rules' ? null : name }) }}>{t(`quality.${name}`)}</button>
          ))}
        </div>
        {tab === 'rules' && data !== undefined && !nothing && <button className="button" onClick={() => { saveRules(data) }}>{t('quality.csv')}</button>}
      </header>
      {tab === 'quarantine' ? <Quarantine dataset={dataset} /> : nothing ? <div className="panel"><FirstRun /></div> : (
        <>
          {error !== null && <div className="panel"><Failed error={error} since={errorUpdatedAt} retry={() => void refetch()} /></div>}
          {isPending && <div className="panel"><Loading /></div>}
          {data !== undefined && (
            <>
              <p className="soft note">{t('quality.looked', { open: number(data.looked_at.open), closed: number(data.looked_at.closed), days: data.days })}</p>
              <Rules quality={data} />
              {data.sla_matrix.length > 0 && <Matrix cells={data.sla_matrix} />}
            </>
          )}
        </>
      )}
    </>
  )
}

function Rules({ quality }: { quality: Quality }) {
  const { t, number, percent } = useWords()
  const [opened, setOpened] = useState<string | null>(null)
  const rules = [...quality.rules].sort((a, b) => Number(b.is_over) - Number(a.is_over) || b.count - a.count || a.rule.localeCompare(b.rule))
  const broken = rules.filter(({ count }) => count > 0)
  return (
    <div className="panel">
      {broken.length === 0 && <Empty text={t('quality.fine')} />}
      <div className="scroll" tabIndex={0} role="group" aria-label={t('quality.rules')}>
        <table>
          <thead><tr><th>{t('quality.rule')}</th><th className="number">{t('quality.count')}</th><th className="number">{t('quality.share')}</th><th>{t('quality.days')}</th><th>{t('quality.samples')}</th></tr></thead>
          <tbody>
            {rules.map((rule) => (
              <Fragment key={rule.rule}>
                <tr className={rule.count === 0 ? 'small' : ''} data-rule={rule.rule}>
                  <td>{meaningOf(rule, t)}<div className="soft"><code>{rule.rule}</code></div></td>
                  <td className="number">{number(rule.count)}</td>
                  <td className="number">
                    {fine(rule, number)}
                    <div className="soft">{t(`quality.of.${rule.scope}`, { n: number(rule.of) })}</div>
                    {rule.is_over && <div className="bad">{t('quality.over', { limit: percent(rule.limit) })}</div>}
                  </td>
                  <td><Spark days={rule.by_day} /></td>
                  <td>
                    {rule.sample_rows.length > 0 && (
                      <button className="button plain" aria-expanded={opened === rule.rule} onClick={() => { setOpened(opened === rule.rule ? null : rule.rule) }}>
                        {t('quality.show', { n: rule.sample_rows.length })}
                      </button>
                    )}
                  </td>
                </tr>
                {opened === rule.rule && <tr className="samples"><td colSpan={5}><Samples rule={rule} dataset={quality.dataset} /></td></tr>}
              </Fragment>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  )
}

function Samples({ rule, dataset }: { rule: Rule; dataset: string }) {
  const { go, now } = useShared()
  const { t, time } = useWords()
  const columns = Object.keys(rule.sample_rows[0]?.values ?? {})
  return (
    <table>
      <thead><tr><th>{t('board.col.ticket')}</th><th>{t('filter.cluster')}</th>{columns.map((name) => <th key={name}>{name}</th>)}<th>{t('quality.told')}</th></tr></thead>
      <tbody>
        {rule.sample_rows.map((row) => {
          const ticket = keyOf(dataset, row.ticket_id)
          return (
            <tr key={row.ticket_id}>
              <td><a href={`/?ticket=${encodeURIComponent(ticket)}`} onClick={(event) => { event.preventDefault(); go({ screen: 'map', ticket }) }}>{row.ticket_id}</a></td>
              <td>{row.cluster ?? t('value.none')}</td>
              {columns.map((name) => <td key={name}><code>{row.values[name] ?? t('value.none')}</code></td>)}
              <td className="soft">{time(Date.parse(row.exported_at), now)}</td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}

function Matrix({ cells }: { cells: Quality['sla_matrix'] }) {
  const { t, number } = useWords()
  const rows = [...new Set(cells.map(({ source }) => source))]
  const columns = [...new Set(cells.map(({ derived }) => derived))]
  const word = (name: string): string => (name === '(none)' ? t('value.none') : name === 'met' || name === 'breached' ? t(`quality.derived.${name}`) : name)
  return (
    <div className="panel" data-part="matrix">
      <header><h2>{t('quality.matrix')}</h2></header>
      <p className="soft note">{t('quality.matrix.why')}</p>
      <div className="scroll" tabIndex={0} role="group" aria-label={t('quality.matrix')}>
        <table>
          <thead><tr><th>{t('quality.matrix.source')}</th>{columns.map((name) => <th key={name} className="number">{word(name)}</th>)}</tr></thead>
          <tbody>
            {rows.map((source) => (
              <tr key={source}>
                <th scope="row">{word(source)}</th>
                {columns.map((derived) => <td key={derived} className="number">{number(cells.find((cell) => cell.source === source && cell.derived === derived)?.n ?? 0)}</td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  )
}

function Spark({ days }: { days: Record<string, number> }) {
  const { now } = useShared()
  const { t, day, number } = useWords()
  const dates = Array.from({ length: 30 }, (_, i) => dateOf(now - (29 - i) * DAY))
  const values = dates.map((date) => days[date] ?? 0)
  const most = Math.max(...values)
  if (most === 0) return null
  const words = t('quality.spark', { most: number(most), day: day(startOfDate(dates[values.indexOf(most)] ?? '')), last: number(values.at(-1) ?? 0) })
  return (
    <svg className="spark" viewBox="0 0 120 24" role="img" aria-label={words}>
      <title>{words}</title>
      {values.map((value, i) => <rect key={i} x={i * 4} width="3" y={24 - (value / most) * 22} height={(value / most) * 22} fill="var(--soft)" />)}
    </svg>
  )
}

// A share as it is: one of thousands is not none.
function fine({ share, count }: Rule, number: (value: number, digits?: number) => string): string {
  if (share === null) return '–'
  return count > 0 && share < 0.001 ? `< ${number(0.1, 1)} %` : `${number(share * 100, share < 0.1 ? 1 : 0)} %`
}

function meaningOf({ rule, meaning }: Rule, t: (key: MessageKey) => string): string {
  const key = `rule.${rule}`
  return key in en ? t(key as MessageKey) : meaning
}

function saveRules({ dataset, rules }: Quality): void {
  saveCsv(`quality-${dataset}.csv`, [
    ['rule', 'meaning', 'scope', 'count', 'of', 'share', 'limit', 'samples'],
    ...rules.map((rule) => [rule.rule, rule.meaning, rule.scope, rule.count, rule.of, rule.share, rule.limit, rule.sample_rows.map(({ ticket_id }) => ticket_id).join(' ')]),
  ])
}
