// Before and after, in numbers that can be checked: without a plan, with the habit of today, with this plan.
import { useWords } from '../i18n'
import type { Plan, Worth } from '../model/plan'

export function Numbers({ plan }: { plan: Plan }) {
  const { t, number, distance } = useWords()
  const { summary: one } = plan
  const habit = one.nearest_first ?? null
  const perTicket = (worth: Worth): string => (worth.assigned === 0 ? '–' : distance(worth.distance_m / worth.assigned))
  return (
    <section className="numbers" aria-label={t('plan.numbers')}>
      <div className="saves">
        <h3>{t('plan.due', { n: one.savable, hours: plan.settings.horizon_hours })}</h3>
        <table>
          <thead className="hidden"><tr><th>{t('plan.numbers')}</th><th>{t('plan.intime')}</th><th>{t('plan.missed')}</th></tr></thead>
          <tbody>
            <Bar name={t('plan.without')} saved={0} savable={one.savable} data="without" />
            {habit !== null && <Bar name={t('plan.habit')} saved={habit.saved} savable={habit.savable} data="habit" />}
            <Bar name={t('plan.this')} saved={one.saved} savable={one.savable} data="plan" main />
          </tbody>
        </table>
      </div>
      <dl>
        <div><dt>{t('plan.saved')}</dt><dd data-number="saved">{t('plan.outof', { n: number(one.saved), of: number(one.savable) })}</dd><dd className="soft">{habit === null ? '' : t('plan.versus', { n: number(habit.saved) })}</dd></div>
        <div><dt>{t('plan.planned')}</dt><dd data-number="assigned">{t('plan.outof', { n: number(one.assigned), of: number(one.tickets) })}</dd><dd className="soft">{habit === null ? '' : t('plan.versus', { n: number(habit.assigned) })}</dd></div>
        <div><dt>{t('plan.late')}</dt><dd data-number="late">{t('plan.outof', { n: number(one.late_served), of: number(one.late) })}</dd><dd className="soft">{habit === null ? '' : t('plan.versus', { n: number(habit.late_served) })}</dd></div>
        <div><dt>{t('plan.perticket')}</dt><dd data-number="distance">{perTicket(one)}</dd><dd className="soft">{habit === null ? '' : t('plan.versus', { n: perTicket(habit) })}</dd></div>
      </dl>
      {habit !== null && <p className="soft small">{t('plan.habit.what')}</p>}
    </section>
  )
}

function Bar({ name, saved, savable, data, main = false }: { name: string; saved: number; savable: number; data: string; main?: boolean }) {
  const { t, number } = useWords()
  const share = savable === 0 ? 0 : (100 * saved) / savable
  return (
    <tr data-bar={data}>
      <th scope="row">{name}</th>
      <td className="bar" data-main={main}><i style={{ width: `${share}%` }} /><span className="hidden">{t('plan.outof', { n: number(saved), of: number(savable) })}</span></td>
      <td className="number">{t('plan.miss', { n: savable - saved })}</td>
    </tr>
  )
}
