// Parses and binds queries with Microsoft's language service of Kusto: its folder, the tables, the
// queries. Prints by query what it complains of.
const fs = require("fs");
const path = require("path");
const vm = require("vm");

const [, , folder, tables, ...queries] = process.argv;
globalThis.self = globalThis;
for (const name of ["bridge.min.js", "Kusto.Language.Bridge.min.js"]) {
  vm.runInThisContext(fs.readFileSync(path.join(folder, name), "utf8"), { filename: name });
}
const { GlobalState, KustoCode, Symbols } = Kusto.Language;
const made = Object.entries(JSON.parse(fs.readFileSync(tables, "utf8"))).map(([name, columns]) => {
  const text = Object.entries(columns).map(([column, type]) => `${column}: ${type}`);
  return Symbols.TableSymbol.From(`(${text.join(", ")})`).WithName(name);
});
const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.$ctor1("logs", made));
const found = {};
for (const query of queries) {
  const told = KustoCode.ParseAndAnalyze(fs.readFileSync(query, "utf8"), globals).GetDiagnostics();
  found[path.basename(query)] = Array.from({ length: told.Count }, (_, n) => told.getItem(n).Message);
}
console.log(JSON.stringify(found));
