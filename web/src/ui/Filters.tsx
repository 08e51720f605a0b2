// The filter bar: every choice says how many tickets it holds under the other choices.
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react'
import { useWords } from '../i18n'
import { choices, NO_FILTER, NONE, isFiltered } from '../model/filter'
import { type Counts, type SlaState } from '../model/sla'
import type { Ticket } from '../model/ticket'
import { Shape } from './Shape'
import { useShared } from './state'

const PARTS = ['cluster', 'status', 'team'] as const
const AGES_H = [0, 4, 12, 24, 36, 48, 72, 168]
const SHOWN: SlaState[] = ['breached', 'at_risk', 'on_track', 'unknown']

export function Filters({ tickets, counts, onMap, children }: { tickets: readonly Ticket[]; counts: Counts; onMap: boolean; children?: ReactNode }) {
  const { view, go, clocks } = useShared()
  const { t, number } = useWords()
  const { filter } = view
  const lists = useMemo(
    () => PARTS.map((part) => [part, withChosen(choices(tickets, part, filter, view.basis, clocks), filter[part])] as const),
    [tickets, filter, view.basis, clocks],
  )
  const set = (change: Partial<typeof filter>): void => { go((v) => ({ filter: { ...v.filter, ...change } })) }
  return (
    <div className="filters" role="search" aria-label={t('filter.label')}>
      {lists.map(([part, list]) => (
        <label className="field" key={part} data-set={filter[part] !== null}>
          <span className="hidden">{t(`filter.${part}`)}</span>
          <select data-part={part} value={filter[part] ?? ''} onChange={(event) => { set({ [part]: event.target.value || null }) }}>
            <option value="">{`${t(`filter.${part}`)}: ${t('filter.all')}`}</option>
            {list.map(([name, n]) => (
              <option key={name} value={name}>{`${name === NONE ? t('value.none') : name} (${number(n)})`}</option>
            ))}
          </select>
        </label>
      ))}
      <div className="chips" role="group" aria-label="SLA">
        {SHOWN.map((state) => (
          <button
            key={state}
            className="chip"
            data-state={state}
            title={t(`sla.${state}`)}
            aria-pressed={filter.sla.includes(state)}
            onClick={() => { set({ sla: filter.sla.includes(state) ? filter.sla.filter((one) => one !== state) : [...filter.sla, state] }) }}
          >
            <Shape state={state} small />
            <span className="hidden">{t(`sla.${state}`)}</span>
            <b>{number(counts[state])}</b>
          </button>
        ))}
      </div>
      {onMap && (
        <div className="segments" role="group" aria-label={t('basis.label')} title={t('basis.why')}>
          {(['proven', 'clock'] as const).map((basis) => (
            <button key={basis} aria-pressed={view.basis === basis} onClick={() => { go({ basis }) }}>{t(`basis.${basis}`)}</button>
          ))}
        </div>
      )}
      <label className="field" data-set={filter.ageH > 0}>
        <span className="hidden">{t('filter.age')}</span>
        <select value={filter.ageH} onChange={(event) => { set({ ageH: Number(event.target.value) }) }}>
          {AGES_H.map((h) => <option key={h} value={h}>{h === 0 ? t('filter.age.any') : t('filter.age.h', { hours: h })}</option>)}
        </select>
      </label>
      {onMap && (
        <button className="chip" aria-pressed={view.closed} onClick={() => { go((v) => ({ closed: !v.closed })) }}>{t('filter.closed')}</button>
      )}
      {children}
      <Search />
      {isFiltered({ ...filter, dataset: null }) && (
        <button className="button plain" onClick={() => { set({ ...NO_FILTER, dataset: filter.dataset }) }}>{t('filter.clear')}</button>
      )}
    </div>
  )
}

// A choice that no ticket has any more stays visible as long as it is chosen.
function withChosen(list: [string, number][], chosen: string | null): [string, number][] {
  if (chosen === null || list.some(([name]) => name.toLowerCase() === chosen.toLowerCase())) {
    return list.map(([name, n]) => [chosen !== null && name.toLowerCase() === chosen.toLowerCase() ? chosen : name, n])
  }
  return [[chosen, 0], ...list]
}

function Search() {
  const { view, go } = useShared()
  const { t } = useWords()
  const [text, setText] = useState(view.filter.q)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => { setText(view.filter.q) }, [view.filter.q])
  return (
    <span className="search">
      <input
        id="search"
        type="search"
        maxLength={100}
        value={text}
        placeholder={t('filter.search')}
        aria-label={t('filter.search')}
        onChange={(event) => {
          const q = event.target.value
          setText(q)
          clearTimeout(timer.current)
          timer.current = setTimeout(() => { go((v) => ({ filter: { ...v.filter, q } }), true) }, 120)
        }}
        onKeyDown={(event) => { if (event.key === 'Escape') event.currentTarget.blur() }}
      />
    </span>
  )
}
