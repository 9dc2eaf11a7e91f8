/** Text from anywhere as it must stand in XML and HTML. */

/** In an element or an attribute in double quotes. */
export function escapeXml(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}
