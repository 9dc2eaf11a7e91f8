/** What people call the values of a route. */

/** `routes.shop`, `routes["shop.example/*"]`. */
export function routePath(name: string): string {
  return /^[a-z0-9][a-z0-9_-]*$/.test(name) ? `routes.${name}` : `routes[${JSON.stringify(name)}]`;
}
