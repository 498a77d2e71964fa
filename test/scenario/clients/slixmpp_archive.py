"""Pages of the own archive (XEP-0313), by slixmpp's plugin."""


class Archive:
    def __init__(self, client):
        client.register_plugin("xep_0313")
        self.client = client

    async def page(self, position):
        """`position`: the children of `<set/>` (XEP-0059). Version 1.8 can ask for the very last page only where it goes through all of them by itself."""
        client = self.client
        answer = await client["xep_0313"].retrieve(jid=client.boundjid.bare, rsm=position, timeout=60)
        fin = answer["mam_fin"]
        found = [message["mam_result"] for message in answer["mam"]["results"]]
        return {
            "messages": [{"id": one["id"], "body": one["forwarded"]["stanza"]["body"]} for one in found],
            "isComplete": fin.xml.get("complete") == "true",
            "first": fin["rsm"]["first"],
            "last": fin["rsm"]["last"],
        }
