
from tests.support.servers import PASSWORD


def test_signs_in_and_returns_to_where_it_was(client):
    response = client.get("/sign-out-of-nowhere")
    assert response.status_code == 404
    response = client.submit(
        "/sign-in", {"email": "Agent@ACME.example ", "password": PASSWORD, "next": "/t/acme/leads?q=x"}
    )
    assert response.status_code == 303
    assert response.location == "/t/acme/leads?q=x"


def test_each_role_can_sign_in(as_role):
    for role in ("owner", "admin", "manager", "agent", "viewer"):
        assert as_role(role).get("/", follow_redirects=False).status_code in {200, 303}
