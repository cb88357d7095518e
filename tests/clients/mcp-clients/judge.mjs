// What a client of MCP must be able to do with an admin's full_access key; as in judge.py.
export class Judge {
  checks = 0;
  failures = 0;

  is(what, found, expected) {
    this.checks += 1;
    if (JSON.stringify(found) !== JSON.stringify(expected)) {
      this.failures += 1;
      console.error(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`);
    }
  }

  // Lists, reads and creates. `call` answers with blocks; a model is shown the text of the first.
  async works(name, tools, call) {
    this.is(`${name}: the tools are there`, ["list_deals", "get_deal", "create_deal", "create_api_key"].filter((tool) => !tools.includes(tool)), []);
    this.is(`${name}: all of them`, tools.length >= 26, true);
    const data = async (tool, given) => {
      const { text } = (await call(tool, given)).content[0];
      try {
        return JSON.parse(text);
      } catch {
        this.is(`${name}: ${tool}: data`, text.slice(0, 300), "JSON");
      }
    };
    const deals = (await data("list_deals", { limit: 2 }))?.deals;
    this.is(`${name}: a page`, deals?.length, 2);
    const read = await data("get_deal", { deal_id: deals?.[0].id ?? 1 });
    this.is(`${name}: a deal`, read?.deal.title, deals?.[0].title);
    const title = `Made by ${name}`;
    const made = await data("create_deal", { title, loan_amount: 1_000_000, loan_type: "permanent" });
    this.is(`${name}: made`, made?.deal.title, title);
  }

  // `shown`: how converters hand our tools to a provider, for the test to judge.
  ends(shown = []) {
    process.exitCode = this.failures === 0 ? 0 : 1;
    console.log(JSON.stringify({ checks: this.checks, failures: this.failures, shown }));
  }
}
