"""Logs in once with slixmpp and the certificate given, and tells as a line of JSON how that went."""

import asyncio
import json
import sys

import slixmpp

jid, port, ca, certfile, keyfile = sys.argv[1:]


class Client(slixmpp.ClientXMPP):
    def __init__(self):
        super().__init__(jid, None)
        self.ca_certs, self.certfile, self.keyfile = ca, certfile, keyfile
        self.told = asyncio.get_event_loop().create_future()
        self.add_event_handler("session_start", lambda _: self.tell(jid=self.boundjid.full, mechanism=self["feature_mechanisms"].mech.name))
        self.add_event_handler("failed_auth", lambda failure: self.tell(failed=failure["condition"]))
        self.add_event_handler("no_auth", lambda _: self.tell(failed="no mechanism"))
        self.add_event_handler("disconnected", lambda _: self.tell(failed="disconnected"))

    def tell(self, **what):
        if not self.told.done():
            self.told.set_result(what)


async def main():
    client = Client()
    client.connect(("127.0.0.1", int(port)), force_starttls=True)
    print(json.dumps(await asyncio.wait_for(client.told, 20)), flush=True)


asyncio.get_event_loop().run_until_complete(main())
