// What goes into a plan, and what if it were otherwise.
import { useState, type SubmitEvent } from 'react'
import { useWords } from '../i18n'
import type { Fleet } from '../live/vehicles'
import type { Plan, Settings } from '../model/plan'
import { freshnessOf } from '../model/vehicle'
import { useShared } from '../ui/state'

interface FormProps {
  fleet: Fleet
  settings: Settings
  busy: boolean
  submit: (settings: Settings) => void
  cancel: (() => void) | null
}

export function MakePlan({ fleet, settings, busy, submit, cancel }: FormProps) {
  const { live, now } = useShared()
  const { t, number } = useWords()
  const [wanted, setWanted] = useState<Settings>(settings)
  const set = (change: Partial<Settings>): void => { setWanted((before) => ({ ...before, ...change })) }
  const vehicles = fleet.vehicles ?? []
  const fresh = vehicles.filter((one) => freshnessOf(one, now) === 'fresh' && one.obstacle !== 'out_of_area')
  const usable = fresh.filter(({ id }) => !wanted.without_vehicles.includes(id)).length
  const open = (live.tickets ?? []).filter(({ dataset }) => wanted.datasets.includes(dataset))
  const coarse = open.filter(({ geoSource }) => geoSource === 'cluster').length
  const placeless = open.filter(({ point }) => point === null).length
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault()
    submit(wanted)
  }
  return (
    <form className="panel makeplan" onSubmit={onSubmit} aria-label={t('make.title')}>
      <h2>{t('make.title')}</h2>
      <p>{t('make.tickets', { n: open.length, coarse: number(coarse), placeless: number(placeless) })}</p>
      <p data-usable={usable} className={usable === 0 ? 'bad' : ''}>{vehicles.length === 0 ? t('make.novehicles') : t('make.vehicles', { n: usable, all: number(vehicles.length), lost: number(vehicles.length - fresh.length) })}</p>
      {open.length === 0 && <p className="soft">{t('make.notickets')}</p>}
      {usable === 0 && vehicles.length > 0 && <p className="soft">{t('make.nobody')}</p>}
      <fieldset>
        <legend>{t('filter.dataset')}</legend>
        {(['inc', 'crq'] as const).map((one) => (
          <label key={one}>
            <input
              type="checkbox" checked={wanted.datasets.includes(one)}
              onChange={(event) => { set({ datasets: event.target.checked ? [...wanted.datasets, one] : wanted.datasets.filter((other) => other !== one) }) }}
            /> {t(`dataset.${one}`)}
          </label>
        ))}
      </fieldset>
      <label><span>{t('make.horizon')}</span><Number value={wanted.horizon_hours} least={0} most={240} set={(horizon_hours) => { set({ horizon_hours }) }} /></label>
      <label><span>{t('make.longer')}</span><Number value={wanted.longer_shift_minutes} least={-600} most={600} step={15} set={(longer_shift_minutes) => { set({ longer_shift_minutes }) }} /></label>
      <label><span>{t('make.stale')}</span><Number value={wanted.stale_after_minutes} least={1} most={10080} set={(stale_after_minutes) => { set({ stale_after_minutes }) }} /></label>
      <label className="check"><input type="checkbox" checked={wanted.allows_coarse} onChange={(event) => { set({ allows_coarse: event.target.checked }) }} /> {t('make.coarse')}</label>
      <Away vehicles={vehicles} away={wanted.without_vehicles} set={(without_vehicles) => { set({ without_vehicles }) }} />
      <div className="acts">
        <button className="button main" disabled={busy || wanted.datasets.length === 0}>{t('make.go')}</button>
        {cancel !== null && <button type="button" className="button" onClick={cancel}>{t('make.cancel')}</button>}
      </div>
    </form>
  )
}

function Number({ value, least, most, step = 1, set }: { value: number; least: number; most: number; step?: number; set: (value: number) => void }) {
  return <input type="number" required value={value} min={least} max={most} step={step} onChange={(event) => { if (!Object.is(event.target.valueAsNumber, NaN)) set(event.target.valueAsNumber) }} />
}

function Away({ vehicles, away, set }: { vehicles: readonly { id: string; label: string }[]; away: string[]; set: (away: string[]) => void }) {
  const { t } = useWords()
  const label = (id: string): string => vehicles.find((one) => one.id === id)?.label ?? id
  return (
    <div className="away">
      <label>
        <span>{t('make.away')}</span>
        <select value="" onChange={(event) => { set([...away, event.target.value]) }}>
          <option value="">{t('make.away.choose')}</option>
          {vehicles.filter(({ id }) => !away.includes(id)).map(({ id }) => <option key={id} value={id}>{label(id)}</option>)}
        </select>
      </label>
      {away.map((id) => <button type="button" className="chip" key={id} onClick={() => { set(away.filter((one) => one !== id)) }}>{label(id)} ×<span className="hidden"> {t('make.away.back')}</span></button>)}
    </div>
  )
}

interface WhatIfProps {
  plan: Plan
  fleet: Fleet
  busy: boolean
  tried: readonly Plan[]
  attempt: (settings: Settings) => void
  keep: ((settings: Settings) => void) | null
}

// Tried, not kept: each line is a whole plan of the same day under other settings.
export function WhatIf({ plan, fleet, busy, tried, attempt, keep }: WhatIfProps) {
  const words = useWords()
  const { t, number, distance } = words
  const [more, setMore] = useState(1)
  const [longer, setLonger] = useState(0)
  const [away, setAway] = useState<string[]>([])
  const wanted: Settings = {
    ...plan.settings, with_vehicles: plan.settings.with_vehicles + more, longer_shift_minutes: plan.settings.longer_shift_minutes + longer,
    without_vehicles: [...new Set([...plan.settings.without_vehicles, ...away])],
  }
  const label = (settings: Settings): string => [
    settings.with_vehicles > 0 ? t('whatif.more', { n: settings.with_vehicles }) : '',
    settings.longer_shift_minutes === 0 ? '' : t('whatif.longer', { min: settings.longer_shift_minutes }),
    settings.without_vehicles.length === 0 ? '' : t('whatif.away', { names: settings.without_vehicles.map((id) => fleet.vehicles?.find((one) => one.id === id)?.label ?? id).join(', ') }),
  ].filter((part) => part !== '').join(' · ') || t('whatif.same')
  return (
    <section className="whatif" aria-label={t('whatif.title')}>
      <p className="soft">{t('whatif.what')}</p>
      <form onSubmit={(event) => { event.preventDefault(); attempt(wanted) }}>
        <label><span>{t('whatif.crews')}</span><Number value={more} least={0} most={20} set={setMore} /></label>
        <label><span>{t('make.longer')}</span><Number value={longer} least={-600} most={600} step={15} set={setLonger} /></label>
        <Away vehicles={fleet.vehicles ?? []} away={away} set={setAway} />
        <button className="button main" disabled={busy || keep === null}>{t('whatif.try')}</button>
      </form>
      <div className="scroll" tabIndex={0}>
        <table>
          <thead><tr><th>{t('whatif.title')}</th><th className="number">{t('plan.saved')}</th><th className="number">{t('plan.planned')}</th><th className="number">{t('plan.late')}</th><th className="number">{t('plan.distance')}</th><th /></tr></thead>
          <tbody>
            {[plan, ...tried].map((one, i) => (
              <tr key={i} data-whatif={i}>
                <td>{i === 0 ? t('plan.this') : label(one.settings)}</td>
                <td className="number">{number(one.summary.saved)}{i > 0 && <Versus n={one.summary.saved - plan.summary.saved} />}</td>
                <td className="number">{number(one.summary.assigned)}{i > 0 && <Versus n={one.summary.assigned - plan.summary.assigned} />}</td>
                <td className="number">{number(one.summary.late_served)}{i > 0 && <Versus n={one.summary.late_served - plan.summary.late_served} />}</td>
                <td className="number">{distance(one.summary.distance_m)}</td>
                <td>{i > 0 && keep !== null && <button className="button" disabled={busy} onClick={() => { keep(one.settings) }}>{t('whatif.keep')}</button>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}

function Versus({ n }: { n: number }) {
  const { number } = useWords()
  return <span className="soft"> ({n > 0 ? '+' : n < 0 ? '−' : '±'}{number(Math.abs(n))})</span>
}

