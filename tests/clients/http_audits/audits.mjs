// Runs the audits of graphql-http against the server whose address is in OKNO_URL and prints what each of them found.
import { serverAudits } from "graphql-http";

const url = process.env.OKNO_URL;
if (!url) throw new Error("OKNO_URL must hold the address of the endpoint, such as http://127.0.0.1:8000/graphql");

const found = [];
for (const audit of serverAudits({ url })) {
  const result = await audit.fn();
  const reason = result.status === "ok" ? null : result.reason;
  found.push({ id: audit.id, name: audit.name, status: result.status, reason });
}
console.log(JSON.stringify(found));
