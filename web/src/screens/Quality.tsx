// Screen 6: what is odd in the data, one row a rule, and what was refused.
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { json } from '../api'
import { useWords } from '../i18n'
import { keyOf } from '../model/ticket'
import { DAY, dateOf } from '../model/time'
import { useShared } from '../ui/state'
import { Empty, Failed, Loading } from '../ui/States'

interface Rule {
  rule: string
  meaning: string
  scope: string
  count: number
  of: number
  share: number | null
  samples: string[]
  by_day: Record<string, number>
}

interface Quality {
  dataset: string
  rules: Rule[]
  sla_matrix: { source: string; derived: string; n: number }[]
  rejected_rows: Record<string, number>
}

export default function Quality() {
  const { view, go, live } = useShared()
  const { t } = useWords()
  const dataset = view.filter.dataset ?? 'inc'
  const tab = view.tab === 'quarantine' ? 'quarantine' : 'rules'
  const { data, error, errorUpdatedAt, refetch, isPending } = useQuery({
    queryKey: ['quality', dataset, live.rev],
    queryFn: ({ signal }) => json<Quality>(`/api/quality?dataset=${dataset}`, { signal }),
  })
  return (
    <>
      <header>
        <h1>{t('screen.quality')} · {dataset.toUpperCase()}</h1>
        <div className="segments" role="group" aria-label={t('screen.quality')}>
          {(['rules', 'quarantine'] as const).map((name) => (
            <button key={name} aria-pressed={tab === name} onClick={() => { go({ tab: name === 'rules' ? null : name }) }}>{t(`quality.${name}`)}</button>
          ))}
        </div>
        {data !== undefined && <button className="button" onClick={() => { saveCsv(data) }}>{t('quality.csv')}</button>}
      </header>
      {error !== null && <div className="panel"><Failed error={error} since={errorUpdatedAt} retry={() => void refetch()} /></div>}
      {isPending && <div className="panel"><Loading /></div>}
      {data !== undefined && tab === 'rules' && <Rules quality={data} />}
      {data !== undefined && tab === 'quarantine' && <Refused rejected={data.rejected_rows} />}
    </>
  )
}

function Rules({ quality }: { quality: Quality }) {
  const { t, number, percent } = useWords()
  const { go } = useShared()
  const [opened, setOpened] = useState<string | null>(null)
  if (quality.rules.every(({ count }) => count === 0)) return <div className="panel"><Empty text={t('quality.fine')} /></div>
  return (
    <>
      <div className="panel">
        <div className="scroll" tabIndex={0} role="group">
          <table>
            <thead><tr><th>{t('quality.rule')}</th><th className="number">{t('quality.count')}</th><th className="number">{t('quality.share')}</th><th>{t('quality.days')}</th><th>{t('quality.samples')}</th></tr></thead>
            <tbody>
              {quality.rules.map((rule) => (
                <tr key={rule.rule} className={rule.count === 0 ? 'small' : ''}>
                  <td><code>{rule.rule}</code><div className="soft">{rule.meaning}</div></td>
                  <td className="number">{number(rule.count)}</td>
                  <td className="number">{percent(rule.share)}</td>
                  <td><Spark days={rule.by_day} /></td>
                  <td>
                    {rule.samples.length > 0 && (opened === rule.rule
                      ? <div className="sample">{rule.samples.map((id) => <a key={id} href={`/?ticket=${keyOf(quality.dataset, id)}`} onClick={(event) => { event.preventDefault(); go({ screen: 'map', ticket: keyOf(quality.dataset, id) }) }}>{id}</a>)}</div>
                      : <button className="button plain" onClick={() => { setOpened(rule.rule) }}>{number(rule.samples.length)}</button>)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </div>
      {quality.sla_matrix.length > 0 && (
        <div className="panel">
          <header><h2>{t('quality.matrix')}</h2></header>
          <Matrix cells={quality.sla_matrix} />
        </div>
      )}
    </>
  )
}

function Matrix({ cells }: { cells: Quality['sla_matrix'] }) {
  const { number } = useWords()
  const rows = [...new Set(cells.map(({ source }) => source))]
  const columns = [...new Set(cells.map(({ derived }) => derived))]
  return (
    <div className="scroll" tabIndex={0} role="group">
      <table>
        <thead><tr><th>sla_status</th>{columns.map((name) => <th key={name} className="number">{name}</th>)}</tr></thead>
        <tbody>
          {rows.map((source) => (
            <tr key={source}>
              <th scope="row">{source}</th>
              {columns.map((derived) => <td key={derived} className="number">{number(cells.find((cell) => cell.source === source && cell.derived === derived)?.n ?? 0)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Refused({ rejected }: { rejected: Record<string, number> }) {
  const { t, number } = useWords()
  const rows = Object.entries(rejected)
  if (rows.length === 0) return <div className="panel"><Empty text={t('quality.none')} /></div>
  return (
    <div className="panel">
      <table>
        <thead><tr><th>{t('quality.reason')}</th><th className="number">{t('quality.count')}</th></tr></thead>
        <tbody>{rows.map(([reason, n]) => <tr key={reason}><td><code>{reason}</code></td><td className="number">{number(n)}</td></tr>)}</tbody>
      </table>
      <p className="soft"><code>fleettickets quarantine list</code> · <code>show</code> · <code>retry</code> · <code>discard</code></p>
    </div>
  )
}

function Spark({ days }: { days: Record<string, number> }) {
  const { now } = useShared()
  const values = Array.from({ length: 30 }, (_, i) => days[dateOf(now - (29 - i) * DAY)] ?? 0)
  const most = Math.max(...values)
  if (most === 0) return null
  return (
    <svg className="spark" viewBox="0 0 120 24" aria-hidden="true">
      {values.map((value, i) => <rect key={i} x={i * 4} width="3" y={24 - (value / most) * 22} height={(value / most) * 22} fill="var(--soft)" />)}
    </svg>
  )
}

// A cell that begins like a formula gets an apostrophe, or a spreadsheet would run it.
export function csvCell(value: string | number | null): string {
  const text = value === null ? '' : String(value)
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

function saveCsv({ dataset, rules }: Quality): void {
  const lines = [['rule', 'meaning', 'count', 'of', 'share', 'samples'], ...rules.map((rule) => [rule.rule, rule.meaning, rule.count, rule.of, rule.share, rule.samples.join(' ')])]
  const blob = new Blob([lines.map((line) => line.map(csvCell).join(',')).join('\r\n') + '\r\n'], { type: 'text/csv' })
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = `quality-${dataset}.csv`
  link.click()
  URL.revokeObjectURL(link.href)
}
