export default function Teams() { return null }
