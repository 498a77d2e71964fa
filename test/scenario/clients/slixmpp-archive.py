"""Logs in with slixmpp, reads the archive of its account page by page with its plugin for XEP-0313, and tells as a line of JSON what it has found."""

import asyncio
import json
import sys
from datetime import datetime, timezone

import slixmpp

jid, port, ca, peer = sys.argv[1:]


class Client(slixmpp.ClientXMPP):
    def __init__(self):
        super().__init__(jid, "secret")
        self.ca_certs = ca
        self.register_plugin("xep_0313")
        self.started = asyncio.get_event_loop().create_future()
        self.add_event_handler("session_start", lambda _: self.started.set_result(None))
        # Version 1.8 takes every binding of a channel for one that TLS 1.3 does not have.
        self["feature_mechanisms"].sasl_callback = self.unbound_credentials

    def unbound_credentials(self, required, optional):
        credentials = self["feature_mechanisms"]._default_credentials(required, optional)
        credentials.pop("channel_binding", None)
        return credentials

    async def found(self, **query):
        messages = self["xep_0313"].iterate(jid=self.boundjid.bare, rsm={"max": 10}, **query)
        return [result["mam_result"]["forwarded"]["stanza"]["body"] async for result in messages]


async def main():
    client = Client()
    client.connect(("127.0.0.1", int(port)), force_starttls=True)
    await asyncio.wait_for(client.started, 20)
    mam = client["xep_0313"]
    bare = client.boundjid.bare
    metadata = (await mam.get_archive_metadata(jid=bare))["mam_metadata"]
    fields = await mam.get_fields(jid=bare)
    told = {
        "forward": await client.found(),
        "backward": await client.found(reverse=True),
        "with": await client.found(with_jid=peer),
        "since": await client.found(start=metadata["end"]["timestamp"]),
        "until": await client.found(end=datetime(2001, 1, 1, tzinfo=timezone.utc)),
        "first": metadata["start"]["id"],
        "last": metadata["end"]["id"],
        "fields": sorted(fields.get_fields()),
    }
    print(json.dumps(told), flush=True)
    await client.disconnect()


asyncio.get_event_loop().run_until_complete(main())
