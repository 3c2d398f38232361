// What every peer is told by its environment: where the database is, how many connections it may open, and the port to listen on.
import pg from "pg";

export const port = Number(process.env.PORT);
export const host = "127.0.0.1";

export function openPool() {
  const address = JSON.parse(process.env.BENCH_DATABASE);
  return new pg.Pool({ ...address, port: Number(address.port), max: Number(process.env.BENCH_CONNECTIONS), options: "-c timezone=UTC" });
}
