"""An agent of ICE (RFC 8445), by aioice: ice_agent.py controlling|controlled 4|6 TURN-SERVER

Its candidates are a line of JSON on its output, its peer's one on its input, as two telephones exchange theirs by a
server of calls. Then it sends a word to its peer, and tells which one it heard, and between which candidates.
"""

import asyncio
import json
import sys

import aioice


async def talk(controlling, six, server):
    agent = aioice.Connection(ice_controlling=controlling, use_ipv4=not six, use_ipv6=six,
                              stun_server=(server, 3478), turn_server=(server, 3478), turn_username="user",
                              turn_password="secret")
    await agent.gather_candidates()
    print(json.dumps({"candidates": [one.to_sdp() for one in agent.local_candidates],
                      "name": agent.local_username, "password": agent.local_password}), flush=True)
    peer = json.loads(await asyncio.to_thread(sys.stdin.readline))
    for one in peer["candidates"]:
        await agent.add_remote_candidate(aioice.Candidate.from_sdp(one))
    await agent.add_remote_candidate(None)
    agent.remote_username, agent.remote_password = peer["name"], peer["password"]
    await agent.connect()
    await agent.send(b"from the controlling one" if controlling else b"from the controlled one")
    heard = await asyncio.wait_for(agent.recv(), 5)
    pair = agent._nominated[1]
    print(json.dumps({"heard": heard.decode(), "local": pair.local_candidate.to_sdp(),
                      "remote": pair.remote_candidate.to_sdp()}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)  # until the other has heard, too
    await agent.close()


asyncio.run(talk(sys.argv[1] == "controlling", sys.argv[2] == "6", sys.argv[3]))
