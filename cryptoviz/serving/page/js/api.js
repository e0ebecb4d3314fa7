/** Questions to the server. An answer that is none says why, in its own words. */

/** @param {string} path @param {object=} query @param {AbortSignal=} signal */
export async function ask(path, query = {}, signal = undefined) {
  const said = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '')
  const address = said.length ? `${path}?${new URLSearchParams(said)}` : path
  const response = await fetch(address, { signal, headers: { Accept: 'application/json' } })
  const body = await response.json().catch(() => null)
  if (!response.ok) throw new Error(body?.msg || `${response.status} ${response.statusText}`)
  return body
}
