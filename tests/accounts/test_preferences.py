def test_theme_is_kept_in_a_cookie_without_script(agent):
    response = agent.submit("/preferences", {"theme": "dark"}, headers={"Referer": "http://localhost/t/acme/x?y=1"})
    assert response.status_code == 303
    assert response.location == "/t/acme/x?y=1"
    assert 'data-bs-theme="dark"' in agent.get("/nowhere").text


def test_only_the_three_are_taken(agent):
    assert agent.submit("/preferences", {"theme": "<script>"}).status_code == 422
    assert agent.submit("/preferences", {}).status_code == 422


def test_it_leads_nowhere_else(agent):
    response = agent.submit("/preferences", {"theme": "light"}, headers={"Referer": "https://evil.example/"})
    assert response.location == "/t/acme/"


def test_a_planted_cookie_is_ignored(agent):
    agent.set_cookie("theme", '"><script>', path="/")
    assert "<script>" not in agent.get("/nowhere").text.replace("<script src", "")
