// Maneno ya hatua tano za onyesho. To be reviewed by a native speaker.
import type { tourEn } from './tour.en'

export const tourSw: Record<keyof typeof tourEn, string> = {
  'tour.label': 'Hatua za kwanza za onyesho',
  'tour.step': 'Hatua {n} kati ya {of}',
  'tour.done': 'tayari',
  'tour.back': 'Rudi',
  'tour.next': 'Endelea',
  'tour.end': 'Maliza',
  'tour.skip': 'Ruka (Esc)',
  'tour.open': 'Tiketi {n, plural, one {# iko} other {# ziko}} wazi. Umbo linaonyesha hali ya SLA. Fungua moja, kwenye ramani au orodha.',
  'tour.open.done': 'Muda wake wa mwisho na unategemea nini. Kila habari inataja faili yake.',
  'tour.header': 'Kichwa hiki: data inaishia {time}, {age} zilizopita. Kilichofungwa tangu hapo hakijulikani bado. Chagua “imethibitishwa” uone tu kilichothibitishwa.',
  'tour.header.done': 'Imethibitishwa ni kile data inaonyesha; kwa saa ni kama hakuna kilichofungwa tangu hapo.',
  'tour.past': 'Buruta kitelezi hadi Jumanne iliyopita, {day}. Ramani inaonyesha kilichojulikana wakati huo.',
  'tour.past.done': 'Kilichojulikana wakati huo, si kilichojulikana baadaye.',
  'tour.break': 'Bonyeza b: data inakatika. Kisha tazama kichwa.',
  'tour.break.wait': 'Siku arobaini bado zinapita. Data inaweza kukatwa zikishaingia.',
  'tour.break.broken': 'Faili zinabaki zilikotoka, na saa inaendelea. Kichwa kitasema baada ya saa tatu za kazi bila faili.',
  'tour.break.seen': 'Kichwa kinasema, pamoja na sababu. Bonyeza b tena: data inarudi, na zilizongoja zinafika pamoja.',
  'tour.break.done': 'Hakuna kilichopotea: kila faili ilichukuliwa, mara moja.',
  'tour.break.failed': 'Onyesho halikupata hilo: {why}',
  'tour.explain': 'Kwa nini tiketi imechelewa? Andika hii kwenye terminal:',
  'tour.copy': 'Nakili',
  'tour.copied': 'Imenakiliwa',
  'tour.broken': 'Data imekatika (b inaitengeneza)',
}
