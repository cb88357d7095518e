// What a client of the MCP endpoint must be able to do as an editor, and what it must be refused.
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

  // Lists, reads, creates, and is refused.
  async works(name, client) {
    const tools = (await client.tools()).map((tool) => tool.name);
    this.is(`${name}: deals are there`, ["list_deals", "get_deal", "create_deal"].every((tool) => tools.includes(tool)), true);
    this.is(`${name}: what it may not is not`, tools.filter((tool) => /api_key$|invite|remove_team/.test(tool) && !/^(get|validate)_api_key$/.test(tool)), []);
    const data = async (tool, given) => JSON.parse((await client.call(tool, given)).content[0].text);
    const listed = await data("list_deals", { limit: 2 });
    const deal = listed.deals[0];
    this.is(`${name}: a page`, listed.showing, 2);
    const read = await data("get_deal", { deal_id: deal.id });
    this.is(`${name}: a deal`, read.deal.title, deal.title);
    const title = `Made by ${name}`;
    const made = await data("create_deal", { title, loan_amount: 1_000_000 });
    this.is(`${name}: made`, made.deal.title, title);
    const refused = await client.call("invite_team_member", { email: "x@acme.example", role: "admin" });
    this.is(`${name}: refused`, [refused.isError, refused.content[0].text.startsWith("Not allowed")], [true, true]);
    const missing = await client.call("get_deal", { deal_id: 999_999_999 });
    this.is(`${name}: missing`, [missing.isError, missing.content[0].text], [true, "Deal with id 999999999 not found"]);
    if (client.resources) {
      const [page] = await client.resources();
      this.is(`${name}: a page of the documentation`, (await client.read(page.uri)).length > 100, true);
    }
  }

  ends(more) {
    console.log(JSON.stringify({ ...more, checks: this.checks, failures: this.failures }));
    process.exit(this.failures === 0 ? 0 : 1);
  }
}
