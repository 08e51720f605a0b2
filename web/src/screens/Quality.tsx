export default function Quality() { return null }
