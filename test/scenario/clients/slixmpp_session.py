"""What slixmpp does in the stories of sessions, beside chatting: each with its own plugin, and by its own names."""

import hashlib
import ssl

from slixmpp.util.sasl import sasl_mech
from slixmpp.util.sasl.mechanisms import SCRAM

PLUGINS = ("xep_0012", "xep_0048", "xep_0054", "xep_0115", "xep_0191", "xep_0280", "xep_0352")


class BoundSCRAM(SCRAM):
    """
    slixmpp's SCRAM with channel binding. Version 1.8 takes every binding for `tls-unique`, which TLS 1.3 does not have; all else it does right. So the type is
    called by its right name here, and `end_point` gives the data.
    """

    def process_1(self, challenge):
        super().process_1(challenge)
        self.gs2_header = self.gs2_header.replace(b"tls-unique", b"tls-server-end-point")
        return self.gs2_header + self.client_first_message_bare


def bind_channels(client):
    """From now on the client uses the mechanisms whose names end in -PLUS."""
    sasl_mech(60)(BoundSCRAM)
    mechanisms = client["feature_mechanisms"]

    def credentials(required, optional):
        found = mechanisms._default_credentials(required, optional)
        if isinstance(client.socket, (ssl.SSLSocket, ssl.SSLObject)):
            # RFC 5929 §4.1, for a certificate that is signed with SHA-256.
            found["channel_binding"] = hashlib.sha256(client.socket.getpeercert(True)).digest()
        return found

    mechanisms.sasl_callback = credentials


def contact(jid, item):
    return {
        "jid": str(jid),
        "name": item["name"],
        "subscription": item["subscription"],
        "isAsked": item["ask"] == "subscribe",
        "groups": sorted(item["groups"]),
    }


class Session:
    """Tells what happens, and does what it is asked."""

    def __init__(self, client, tell):
        self.client = client
        self.tell = tell
        for plugin in PLUGINS:
            client.register_plugin(plugin)
        # Juliet's answer is Juliet's.
        client.roster.auto_authorize = None
        client.roster.auto_subscribe = False
        client.add_event_handler("roster_update", self.roster_changed)
        for kind in ("subscribe", "subscribed", "unsubscribe", "unsubscribed"):
            client.add_event_handler("presence_" + kind, self.subscription_changed)
        client.add_event_handler("carbon_sent", lambda message: self.copied("sent", message["carbon_sent"]))
        client.add_event_handler("carbon_received", lambda message: self.copied("received", message["carbon_received"]))
        client.add_event_handler("blocked", lambda iq: self.blocked("block", iq))
        client.add_event_handler("unblocked", lambda iq: self.blocked("unblock", iq))
        client.add_event_handler("message_error", self.bounced)

    def roster_changed(self, iq):
        if iq["type"] == "set":
            for jid, item in iq["roster"]["items"].items():
                self.tell(event="rosterPush", **contact(jid, item))

    def subscription_changed(self, presence):
        self.tell(event="subscriptionNews", **{"from": presence["from"].bare}, type=presence["type"])

    def copied(self, kind, message):
        if message["body"]:
            self.tell(event="copy", kind=kind, **{"from": message["from"].full}, to=message["to"].full, body=message["body"])

    def blocked(self, kind, iq):
        self.tell(event="blockChange", kind=kind, jids=sorted(str(jid) for jid in iq[kind]["items"]))
        iq.reply().send()

    def bounced(self, message):
        self.tell(event="bounce", **{"from": message["from"].full}, condition=message["error"]["condition"])

    async def do(self, what):
        client = self.client
        match what["do"]:
            case "roster":
                answer = await client.get_roster()
                # With the roster's version (XEP-0237) an answer may be empty: then it is the one that slixmpp has.
                if answer["roster"]["items"]:
                    return [contact(jid, item) for jid, item in answer["roster"]["items"].items()]
                mine = client.client_roster
                return [contact(jid, {**mine[jid]._state, "ask": ""}) for jid in mine if jid != client.boundjid.bare]
            case "setContact":
                await client.update_roster(what["jid"], name=what["name"], groups=what["groups"])
            case "removeContact":
                await client.del_roster_item(what["jid"])
            case "subscribe":
                client.client_roster.subscribe(what["to"])
            case "approve":
                client.client_roster[what["jid"]].authorize()
            case "carbons":
                await client["xep_0280"].enable()
            case "blocked":
                answer = await client["xep_0191"].get_blocked()
                return sorted(str(jid) for jid in answer["blocklist"]["items"])
            case "block":
                await client["xep_0191"].block(what["jid"])
            case "unblock":
                await client["xep_0191"].unblock(what["jid"])
            case "lastActivity":
                answer = await client["xep_0012"].get_last_activity(what["of"])
                return {"seconds": answer["last_activity"]["seconds"], "status": answer["last_activity"]["status"]}
            case "publishCard":
                card = client["xep_0054"].make_vcard()
                card["FN"] = what["fullName"]
                await client["xep_0054"].publish_vcard(card, jid=client.boundjid.bare)
            case "fullName":
                answer = await client["xep_0054"].get_vcard(what["of"])
                return answer["vcard_temp"]["FN"]
            case "keepBookmark":
                kept = client["xep_0048"].stanza.Bookmarks()
                kept.add_conference(what["room"], "nick", name=what["name"])
                await client["xep_0048"].set_bookmarks(kept)
            case "bookmarks":
                answer = await client["xep_0048"].get_bookmarks()
                rooms = answer["private"]["bookmarks"]["conferences"]
                return [{"jid": room["jid"], "name": room["name"]} for room in rooms]
            case "setInactive":
                client["xep_0352"].send_inactive()
            case "setActive":
                client["xep_0352"].send_active()
            case "leave":
                client.wants_connection = False
                client.send_presence(ptype="unavailable", pstatus=what["status"])
                await client.disconnect()
            case other:
                raise ValueError(other)
