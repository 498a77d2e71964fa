"""A client made of slixmpp that is told what to do by lines of JSON on standard input, and tells what it hears by lines of JSON."""

import asyncio
import json
import sys

import slixmpp
from slixmpp_archive import Archive
from slixmpp_session import Session, bind_channels


def tell(**what):
    print(json.dumps(what), flush=True)


class Client(slixmpp.ClientXMPP):
    def __init__(self, jid, port, certfile, options):
        super().__init__(jid, "secret")
        if "--unbound" in options:
            self["feature_mechanisms"].sasl_callback = self.unbound_credentials
        if "--bound" in options:
            bind_channels(self)
        self.ca_certs = certfile
        self.port = port
        self.wants_connection = True
        for plugin in ("xep_0030", "xep_0199", "xep_0203"):
            self.register_plugin(plugin)
        if "--resume" in options:
            self.register_plugin("xep_0198")
            self.add_event_handler("session_resumed", lambda _event: tell(event="resumed"))
        self.session = Session(self, tell) if "--session" in options else None
        self.archive = Archive(self) if "--archive" in options else None
        self.add_event_handler("session_start", self.session_started)
        self.add_event_handler("message", self.message_came)
        self.add_event_handler("presence_available", self.presence_came)
        self.add_event_handler("presence_unavailable", self.presence_came)
        self.add_event_handler("disconnected", self.connection_ended)
        # It would wait ever longer before it tries again.
        self.add_event_handler("connection_failed", lambda _error: self.loop.call_later(0.5, self.open))
        self.add_event_handler("failed_auth", lambda failure: tell(event="failed", why=failure["condition"]))
        self.add_event_handler("ssl_invalid_chain", lambda error: tell(event="failed", why=str(error)))

    def unbound_credentials(self, required, optional):
        credentials = self["feature_mechanisms"]._default_credentials(required, optional)
        credentials["channel_binding"] = None
        return credentials

    def open(self):
        self.connect(("127.0.0.1", self.port), force_starttls=True)

    def session_started(self, _event):
        self.send_presence()
        tell(event="online", jid=self.boundjid.full, mechanism=self["feature_mechanisms"].mech.name)

    def message_came(self, message):
        if message["body"] and message["type"] != "error":
            delayed = message.get_plugin("delay", check=True) is not None
            tell(event="message", **{"from": message["from"].full}, body=message["body"], isDelayed=delayed)

    def presence_came(self, presence):
        if presence["from"].bare != self.boundjid.bare:
            tell(event="presence", **{"from": presence["from"].full}, isAvailable=presence["type"] != "unavailable")

    def connection_ended(self, _reason):
        tell(event="disconnected")
        if self.wants_connection:
            self.loop.call_later(0.1, self.open)

    async def do(self, what):
        match what["do"]:
            case "login":
                self.open()
            case "say":
                self.send_message(what["to"], what["body"], mtype="chat")
            case "show":
                self.send_presence(pto=what["to"])
            case "features":
                info = await self["xep_0030"].get_info(jid=what["of"])
                return sorted(info["disco_info"]["features"])
            case "ping":
                await self["xep_0199"].send_ping(what["to"])
            case "page":
                return await self.archive.page(what["position"])
            case "logout":
                self.wants_connection = False
                self.send_presence(ptype="unavailable")
                await self.disconnect()
            case _:
                return await self.session.do(what)

    async def carry_out(self, what):
        try:
            tell(event="done", id=what["id"], result=await self.do(what))
        except Exception as error:  # The test wants to know, whatever it is.
            tell(event="done", id=what["id"], error=repr(error))


async def main():
    jid, port, certfile, *options = sys.argv[1:]
    client = Client(jid, int(port), certfile, options)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    tasks = set()
    while line := await lines.readline():
        task = asyncio.create_task(client.carry_out(json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


asyncio.run(main())
